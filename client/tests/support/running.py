"""What tests of the command have in common: its types, files in the store, and a terminal to read."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from support.fake_server import FakeServer

CLIENT = Path(__file__).parent.parent.parent
DATA = bytes(range(256)) * 400

END_SECONDS = 60.0
"""How long tests wait for the end of a command; long enough for a machine under load."""

Start = Callable[..., "subprocess.Popen[str]"]
"""Starts the command with these words in a process of its own."""

Command = Callable[..., "subprocess.CompletedProcess[str]"]
"""Runs the command with these words to its end."""


def store(service: FakeServer, *numbers: int) -> None:
    """Puts files with these ids into the store."""
    for number in numbers:
        service.put(f"downloads/{number}.zip", DATA)


def read_terminal(terminal: int) -> str:
    """Everything shown on the terminal until the command closes it."""
    shown = b""
    while True:
        try:
            data = os.read(terminal, 65536)
        except OSError:  # how Linux says that the other side was closed
            data = b""
        if not data:
            return shown.decode()
        shown += data
