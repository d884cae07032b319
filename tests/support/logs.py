"""What the service logs, for tests that look into it."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from chalicelib.observability import logger


@contextmanager
def logged() -> Iterator[io.StringIO]:
    """Log lines as they are written meanwhile. The logger keeps the stdout of its import, which capsys does not see."""
    handler = logger.registered_handler
    assert isinstance(handler, logging.StreamHandler)
    lines = io.StringIO()
    before = handler.setStream(lines)
    try:
        yield lines
    finally:
        handler.setStream(before)
