"""What a job is, which changes it may go through, and the services that drive it."""
