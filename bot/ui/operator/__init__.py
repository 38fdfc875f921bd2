"""The operator's view of `/usage`: all servers together, and who is kept out. `panel` is the door."""
