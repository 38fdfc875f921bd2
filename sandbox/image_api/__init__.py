"""A local image API: a real HTTP server that answers like the documented one and paints real pictures.

`server.LocalImageApi` is the way in. Nothing is imported here, so that the painter's own process stays small.
"""
