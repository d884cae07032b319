"""Which process is ours, what holds a port, how to end one. Linux by /proc, elsewhere by ps and lsof.

A process is known by its pid and its start time together: a pid alone may have been given to another one.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_HAS_PROC = (_PROC / "self" / "stat").exists()


@dataclass(frozen=True, slots=True)
class Process:
    """One process, for as long as it lives."""

    pid: int
    started: str

    @property
    def alive(self) -> bool:
        return start_time(self.pid) == self.started

    def send(self, number: signal.Signals) -> None:
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


def find(pid: int) -> Process | None:
    started = start_time(pid)
    return Process(pid, started) if started else None


def start_time(pid: int) -> str | None:
    """When the process started, in a form that only equals itself; None if it is gone or a zombie."""
    if not _HAS_PROC:
        return _ps("-p", str(pid), "-o", "lstart=") or None
    fields = _stat(pid)
    return None if fields is None or fields[0] in "ZX" else fields[19]


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat from the state on; the name before it may hold anything."""
    try:
        text = (_PROC / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return text.rpartition(")")[2].split()


def _ps(*arguments: str) -> str:
    return subprocess.run(["ps", *arguments], capture_output=True, text=True, check=False).stdout.strip()


def descendants(pid: int) -> list[Process]:
    """All processes below `pid`, children before their own children."""
    parents = _parents()
    found, level = [], [pid]
    while level:
        level = [child for child, parent in parents.items() if parent in level]
        found += level
    return [process for process in map(find, found) if process is not None]


def _parents() -> dict[int, int]:
    if not _HAS_PROC:
        rows = (line.split() for line in _ps("-axo", "pid=,ppid=").splitlines())
        return {int(pid): int(parent) for pid, parent in rows}
    pids = (int(path.name) for path in _PROC.iterdir() if path.name.isdecimal())
    return {pid: int(fields[1]) for pid in pids if (fields := _stat(pid)) is not None}


def command_line(pid: int) -> str:
    if not _HAS_PROC:
        return _ps("-p", str(pid), "-o", "command=")
    try:
        return (_PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def end(processes: Iterable[Process], *, seconds: float) -> None:
    """Ask the processes to end, and after `seconds` make them."""
    remaining = list(processes)
    for number, patience in ((signal.SIGTERM, seconds), (signal.SIGKILL, 5.0)):
        for process in remaining:
            process.send(number)
        deadline = time.monotonic() + patience
        while (remaining := [process for process in remaining if process.alive]) and time.monotonic() < deadline:
            time.sleep(0.02)


def holder(port: int) -> str:
    """Who listens on a TCP port of this machine, as text for a person; empty if that cannot be known."""
    pid = _listener_by_proc(port) if _HAS_PROC else _listener_by_lsof(port)
    return f"{command_line(pid)[:100]} (pid {pid})" if pid else ""


def _listener_by_lsof(port: int) -> int | None:
    if shutil.which("lsof") is None:
        return None
    command = ["lsof", "-nP", f"-iTCP:{port}", "-sTCP:LISTEN", "-t"]
    found = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()
    return int(found[0]) if found else None


def _listener_by_proc(port: int) -> int | None:
    sockets = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    for entry in _PROC.glob("[0-9]*/fd/*"):
        try:
            if os.readlink(entry) in sockets:
                return int(entry.parts[2])
        except OSError:
            continue
    return None


def _listening_inodes(port: int) -> set[str]:
    inodes = set()
    for table in ("tcp", "tcp6"):
        path = _PROC / "net" / table
        for line in path.read_text().splitlines()[1:] if path.exists() else ():
            fields = line.split()
            if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
                inodes.add(fields[9])
    return inodes
