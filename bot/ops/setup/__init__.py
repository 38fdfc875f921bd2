"""`python -m bot setup`: asks for what is needed, checks each answer at the real service, and writes the settings."""
