"""What may be asked, by whom and at what price. Pure words and rules; `admission` is the door."""
