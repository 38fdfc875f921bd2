"""What is said to Discord besides the library: its address, a few REST look-ups, sessions and reconnects."""
