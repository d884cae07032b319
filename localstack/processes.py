"""Ends processes, and finds the one that holds a port."""

from __future__ import annotations

import time
from collections.abc import Iterable

import psutil


def is_alive(process: psutil.Process) -> bool:
    """Whether the process still runs; a zombie does not."""
    try:
        return process.is_running() and process.status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.NoSuchProcess:
        return False


def descendants(pid: int) -> list[psutil.Process]:
    """Returns all processes below `pid`."""
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def command_line(process: psutil.Process) -> str:
    """Returns the process's command line; empty if it has ended."""
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


def end(processes: Iterable[psutil.Process], *, seconds: float) -> None:
    """Terminates the processes, and kills those that still run after `seconds`."""
    remaining = [process for process in processes if is_alive(process)]
    for stop, patience in ((psutil.Process.terminate, seconds), (psutil.Process.kill, 5.0)):
        for process in remaining:
            try:
                stop(process)
            except psutil.NoSuchProcess:
                continue
        deadline = time.monotonic() + patience
        while (remaining := [process for process in remaining if is_alive(process)]) and time.monotonic() < deadline:
            time.sleep(0.02)


def holder(port: int) -> str:
    """Returns the command and pid of the process that listens on a TCP port; empty if that cannot be known."""
    try:
        for found in psutil.net_connections("tcp"):
            if found.pid and found.status == psutil.CONN_LISTEN and found.laddr and found.laddr.port == port:
                return f"{command_line(psutil.Process(found.pid))[:100]} (pid {found.pid})"
    except psutil.Error:
        pass
    return ""
