"""What tests of the command name in their signatures."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

CLIENT = Path(__file__).parent.parent

Start = Callable[..., "subprocess.Popen[str]"]
"""Starts the command with these words in a process of its own."""

Command = Callable[..., "subprocess.CompletedProcess[str]"]
"""Runs the command with these words to its end."""
