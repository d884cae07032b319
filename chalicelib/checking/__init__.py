"""Which of the requested files are there."""
