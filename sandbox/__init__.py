"""A local image API and a local Discord, for trying Easel without an account and for its tests."""
