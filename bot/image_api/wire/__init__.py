"""JSON to model and back, in all dialects of the image API. `envelope` reads answers, `bodies` writes requests."""
