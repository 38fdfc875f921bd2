"""What developers run: catalogues, torture runs, benchmarks."""
