"""What `python -m api` does beside running the service, a file for each part of it."""
