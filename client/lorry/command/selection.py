"""Which files `lorry get` is asked for: ids, keys, a prefix, or a job that has them already."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from lorry.client import Lorry
from lorry.command.file_ids import MAX_FILES, read_ids, read_text
from lorry.command.usage import WrongUsage
from lorry.command.wording import human_files
from lorry.initiate import ArchiveOptions
from lorry.model import StartedJob

NOTHING_NAMED = "no files are named: give ids, --from FILE, --key KEY, --keys-from FILE, --prefix PREFIX, or --job JOB"


Name = TypeVar("Name", int, str)


@dataclass(frozen=True)
class Selection:
    """A job to start: its files, named in one of three ways, and how they are put into an archive if at all.

    `callback_url` and `idempotency_key` are as in `Lorry.start`.
    """

    file_ids: list[int] | None = None
    keys: list[str] | None = None
    prefix: str | None = None
    archive: ArchiveOptions | None = None
    callback_url: str | None = None
    idempotency_key: str | None = None

    def start(self, lorry: Lorry) -> StartedJob:
        """Makes the job."""
        return lorry.start(
            file_ids=self.file_ids,
            keys=self.keys,
            prefix=self.prefix,
            archive=self.archive or False,
            callback_url=self.callback_url,
            idempotency_key=self.idempotency_key,
        )

    def describe(self, job: StartedJob) -> str:
        """What the job is about, in a few words."""
        files = f"everything below {self.prefix}" if self.prefix is not None else human_files(job.total)
        return files + (f", {job.duplicates:,} named twice" if job.duplicates else "")


def selection_of(arguments: argparse.Namespace) -> Selection | None:
    """What a new job is asked for; None with --job. Raises WrongUsage for what does not go together."""
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
            return replace(job, file_ids=_some(read_ids(arguments.ids, arguments.source)))
        case ["keys"]:
            return replace(job, keys=_some(_read_keys(arguments.keys, arguments.keys_source)))
        case ["a prefix"]:
            return replace(job, prefix=arguments.prefix)
    raise WrongUsage(NOTHING_NAMED)


def _ways(arguments: argparse.Namespace) -> Iterator[str]:
    if arguments.ids or arguments.source is not None:
        yield "ids"
    if arguments.keys or arguments.keys_source is not None:
        yield "keys"
    if arguments.prefix is not None:
        yield "a prefix"


def _refuse_contradictions(arguments: argparse.Namespace, ways: list[str]) -> None:
    about_archive = bool(arguments.layout or arguments.on_missing)
    if arguments.job is not None and ways:
        raise WrongUsage("--job goes on with a job that has its files already: name either files or a job")
    if arguments.job is not None and about_archive:
        raise WrongUsage("--job goes on with a job that has its --layout and --on-missing already")
    if arguments.job is not None and (arguments.callback_url or arguments.idempotency_key):
        raise WrongUsage("--callback-url and --idempotency-key are about a new job: leave them out with --job")
    if len(ways) > 1:
        raise WrongUsage(f"files are named by {' and by '.join(ways)}: choose one of them")
    if arguments.zip is None and about_archive:
        raise WrongUsage("--layout and --on-missing are about an archive: give --zip FILE too")
    if arguments.zip is not None and (arguments.zip.is_dir() or not arguments.zip.name):
        raise WrongUsage(f"--zip {arguments.zip} is a folder; name the file to write")


def _archive(arguments: argparse.Namespace) -> ArchiveOptions | None:
    if arguments.zip is None:
        return None
    return ArchiveOptions(arguments.zip.name, arguments.layout or "flat", arguments.on_missing or "skip")


def _read_keys(words: list[str], source: str | None) -> list[str]:
    """The keys of `words`, then those of the file `source`: one on each line, taken as it stands."""
    lines = [] if source is None else [line.removesuffix("\r") for line in read_text(source).split("\n")]
    keys = [*words, *filter(None, lines)]
    if len(keys) > MAX_FILES:
        raise WrongUsage(f"these are more than {MAX_FILES:,} files, the most of one job")
    return keys


def _some(names: list[Name]) -> list[Name]:
    if not names:
        raise WrongUsage(NOTHING_NAMED)
    return names
