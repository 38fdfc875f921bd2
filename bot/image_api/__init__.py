"""The image API: requests, answers, retries and safe downloads."""
