"""What the command refuses by itself, before it asks the service."""

from __future__ import annotations


class WrongUsage(ValueError):
    """The arguments do not go together or cannot be read; the message says which and why."""
