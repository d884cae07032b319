"""Entry points of queues and schedules. HTTP has chalicelib.api."""
