"""What the command ends with; a table of the public contract (README.md has it too)."""

from __future__ import annotations

import enum


class ExitCode(enum.IntEnum):
    """The end of a command as a number."""

    OK = 0
    FILES_LOST = 1
    USAGE = 2
    JOB_FAILED = 3
    UNREACHABLE = 4
    INTERRUPTED = 130


EXIT_CODES = """exit codes:
  0    all is well: every file is in the folder, or in the archive
  1    some files are missing or could not be downloaded; each is named
  2    wrong usage, or the service refused the request (unknown job, bad ids, ...)
  3    the job failed or was cancelled
  4    the service could not be reached, or is out of order
  130  interrupted; the job keeps running, and the command to go on is printed
"""
