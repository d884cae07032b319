"""Tells others what becomes of a job: event streams, WebSockets, signed webhooks kept away from private networks."""
