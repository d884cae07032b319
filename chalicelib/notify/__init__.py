"""Tells others what became of a job: webhooks, signed and kept away from private networks."""
