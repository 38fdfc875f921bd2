"""What runs beside the jobs: an orderly shutdown, health and metrics, `check`, backup and move."""
