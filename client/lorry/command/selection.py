"""Which files `lorry get` is asked for: ids, object keys, a prefix, or the files of an existing job."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO, TypeVar

from lorry.client import Lorry
from lorry.command.usage import WrongUsage
from lorry.command.wording import human_files
from lorry.models import StartedJob
from lorry.operations import ArchiveOptions

MAX_FILES = 100_000
"""The most files of one job; longer ranges are not expanded."""

NOTHING_NAMED = "no files are named: give ids, --from FILE, --key KEY, --keys-from FILE, --prefix PREFIX, or --job JOB"

Name = TypeVar("Name", int, str)

_IDS = re.compile(r"(\d{1,12})(?:-(\d{1,12}))?")


@dataclass(frozen=True)
class Selection:
    """A job to start: its files, named in one of three ways, and the options of `Lorry.start`."""

    file_ids: list[int] | None = None
    keys: list[str] | None = None
    prefix: str | None = None
    archive: ArchiveOptions | None = None
    callback_url: str | None = None
    idempotency_key: str | None = None

    def start(self, lorry: Lorry) -> StartedJob:
        """Creates the job."""
        return lorry.start(
            file_ids=self.file_ids,
            keys=self.keys,
            prefix=self.prefix,
            archive=self.archive or False,
            callback_url=self.callback_url,
            idempotency_key=self.idempotency_key,
        )

    def describe(self, job: StartedJob) -> str:
        """Describes the files of the job in a few words."""
        files = f"all files below {self.prefix}" if self.prefix is not None else human_files(job.total)
        return files + (f", {job.duplicates:,} named twice" if job.duplicates else "")


def selection_of(arguments: argparse.Namespace) -> Selection | None:
    """The job to start; None with --job. Raises WrongUsage for arguments that contradict each other."""
    ways = list(_ways(arguments))
    _refuse_contradictions(arguments, ways)
    if arguments.job is not None:
        return None
    job = Selection(
        archive=_archive(arguments),
        callback_url=arguments.callback_url,
        idempotency_key=arguments.idempotency_key,
    )
    match ways:
        case ["ids"]:
            return replace(job, file_ids=_some(read_ids(arguments.ids, arguments.source, stdin=arguments.stdin)))
        case ["keys"]:
            return replace(job, keys=_some(_read_keys(arguments.keys, arguments.keys_source, stdin=arguments.stdin)))
        case ["a prefix"]:
            return replace(job, prefix=arguments.prefix)
    raise WrongUsage(NOTHING_NAMED)


def read_ids(words: Iterable[str], source: str | None, *, stdin: TextIO) -> list[int]:
    """The ids of `words`, then those in the file `source` (`-` is `stdin`), in that order.

    Raises WrongUsage for a word that is not an id, for a range that runs backwards, and past 100,000 ids.
    """
    ids: list[int] = []
    for word in (*words, *_lines(source, stdin)):
        span = _span(word)
        if len(ids) + len(span) > MAX_FILES:
            raise WrongUsage(f"more than {MAX_FILES:,} files are named, the limit of one job")
        ids.extend(span)
    return ids


def _span(word: str) -> range:
    match = _IDS.fullmatch(word)
    if not match:
        raise WrongUsage(f"{word!r} is not a file id; write 70000 or 70000-70059")
    first, last = int(match[1]), int(match[2] or match[1])
    if last < first:
        raise WrongUsage(f"the range {word} runs backwards")
    return range(first, last + 1)


def _lines(source: str | None, stdin: TextIO) -> Iterator[str]:
    """The words of a file, one per line, without blank lines and comments."""
    for line in _read_text(source, stdin).splitlines() if source is not None else ():
        if word := line.partition("#")[0].strip():
            yield word


def _read_text(source: str, stdin: TextIO) -> str:
    try:
        return stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WrongUsage(f"cannot read {source}: {error}") from error


def _read_keys(words: list[str], source: str | None, *, stdin: TextIO) -> list[str]:
    """The keys of `words`, then those in the file `source`: one per line, taken literally."""
    lines = [] if source is None else [line.removesuffix("\r") for line in _read_text(source, stdin).split("\n")]
    keys = [*words, *filter(None, lines)]
    if len(keys) > MAX_FILES:
        raise WrongUsage(f"more than {MAX_FILES:,} files are named, the limit of one job")
    return keys


def _some(names: list[Name]) -> list[Name]:
    if not names:
        raise WrongUsage(NOTHING_NAMED)
    return names


def _ways(arguments: argparse.Namespace) -> Iterator[str]:
    if arguments.ids or arguments.source is not None:
        yield "ids"
    if arguments.keys or arguments.keys_source is not None:
        yield "keys"
    if arguments.prefix is not None:
        yield "a prefix"


def _refuse_contradictions(arguments: argparse.Namespace, ways: list[str]) -> None:
    for refused, reason in _contradictions(arguments, ways):
        if refused:
            raise WrongUsage(reason)


def _contradictions(arguments: argparse.Namespace, ways: list[str]) -> Iterator[tuple[bool, str]]:
    """Each combination that is refused: whether it was given, and why it is."""
    job, zip_path = arguments.job is not None, arguments.zip
    about_archive = bool(arguments.layout or arguments.on_missing)
    about_new_job = bool(arguments.callback_url or arguments.idempotency_key)
    yield job and bool(ways), "--job continues with a job that has its files: name either files or a job"
    yield job and about_archive, "--job continues with a job that has its --layout and --on-missing"
    yield job and about_new_job, "--callback-url and --idempotency-key are options of a new job: omit them with --job"
    yield len(ways) > 1, f"files are named by {' and by '.join(ways)}: choose one way"
    yield zip_path is None and about_archive, "--layout and --on-missing are options of an archive: add --zip FILE"
    is_folder = zip_path is not None and (zip_path.is_dir() or not zip_path.name)
    yield is_folder, f"--zip {zip_path} is a folder; name the file to write"


def _archive(arguments: argparse.Namespace) -> ArchiveOptions | None:
    if arguments.zip is None:
        return None
    return ArchiveOptions(arguments.zip.name, arguments.layout or "flat", arguments.on_missing or "skip")
