"""The parts of the painter: canvas, colours, what a prompt asks for, scenes, figures, edits and the caption."""
