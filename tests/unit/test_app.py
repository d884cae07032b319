"""What importing the app does to the rest of the process."""

from __future__ import annotations

import subprocess
import sys

CODE = """
from chalicelib.observability import logger
import sys
sys.stdout = sys.stderr  # as a test runner or a tracer does
import app
logger.info("one line")
"""


def test_the_app_leaves_the_logger_at_its_level() -> None:
    """Chalice's own logger has the name of the app, which is the name of ours."""
    ran = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert (ran.stdout + ran.stderr).count("one line") == 1
