"""File ids as people write them: `70000`, `70000-70059`, or one such line after another in a file."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from lorry.command.usage import WrongUsage

MAX_FILES = 100_000
"""The most files of one job; ranges are not spelled out past it."""

_IDS = re.compile(r"(\d{1,12})(?:-(\d{1,12}))?")


def read_ids(words: Iterable[str], source: str | None) -> list[int]:
    """The ids of `words`, then those of the file `source` (`-` is standard input), in that order.

    Raises WrongUsage for what is no id, for a range that runs backwards, and past 100,000 ids.
    """
    ids: list[int] = []
    for word in (*words, *_lines(source)):
        span = _span(word)
        if len(ids) + len(span) > MAX_FILES:
            raise WrongUsage(f"these are more than {MAX_FILES:,} files, the most of one job")
        ids.extend(span)
    return ids


def _span(word: str) -> range:
    match = _IDS.fullmatch(word)
    if not match:
        raise WrongUsage(f"{word!r} is no file id; write 70000 or 70000-70059")
    first, last = int(match[1]), int(match[2] or match[1])
    if last < first:
        raise WrongUsage(f"the range {word} runs backwards")
    return range(first, last + 1)


def _lines(source: str | None) -> Iterator[str]:
    """The words of a file, one a line; blank lines and what follows a # are left out."""
    for line in read_text(source).splitlines() if source is not None else ():
        if word := line.partition("#")[0].strip():
            yield word


def read_text(source: str) -> str:
    """What the file `source` (`-` is standard input) holds. Raises WrongUsage when it cannot be read."""
    try:
        return sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WrongUsage(f"cannot read {source}: {error}") from error
