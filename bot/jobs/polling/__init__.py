"""When to ask the image API about a task again. `pacer` is the door."""
