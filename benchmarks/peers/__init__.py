"""What others do: stream every byte through one process."""
