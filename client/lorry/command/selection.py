"""Which files `lorry get` is asked for: ids, object keys, a prefix, or the files of an existing job."""

from __future__ import annotations

import argparse
import codecs
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO, TypeVar

from lorry.client import Lorry
from lorry.command.options import add_idempotency_key, positive
from lorry.command.usage import WrongUsage
from lorry.command.wording import human_files
from lorry.models import StartedJob
from lorry.names import is_wanted
from lorry.operations import ArchiveOptions

MAX_FILES = 100_000
"""The most files of one job; longer ranges are not expanded."""

NOTHING_NAMED = "no files are named: give ids, --from FILE, --key KEY, --keys-from FILE, --prefix PREFIX, or --job JOB"

Name = TypeVar("Name", int, str)

_IDS = re.compile(r"(\d{1,12})(?:-(\d{1,12}))?")
_BUCKET = re.compile(r"s3://[^/]+/")


@dataclass(frozen=True)
class Selection:
    """A job to start: its files, named in one of three ways, and the options of `Lorry.start`."""

    file_ids: list[int] | None = None
    keys: list[str] | None = None
    prefix: str | None = None
    archive: ArchiveOptions | None = None
    callback_url: str | None = None
    idempotency_key: str | None = None
    link_ttl: int | None = None
    label: str | None = None

    def start(self, lorry: Lorry) -> StartedJob:
        """Creates the job."""
        return lorry.start(
            file_ids=self.file_ids,
            keys=self.keys,
            prefix=self.prefix,
            archive=self.archive or False,
            callback_url=self.callback_url,
            idempotency_key=self.idempotency_key,
            link_ttl=self.link_ttl,
            label=self.label,
        )

    def describe(self, job: StartedJob) -> str:
        """Describes the files of the job in a few words."""
        files = f"all files below {self.prefix}" if self.prefix is not None else human_files(job.total)
        return files + (f", {job.duplicates:,} named twice" if job.duplicates else "")


def add_selection(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments that `selection_of` reads."""
    group = parser.add_argument_group("which files (ids, keys or a prefix; or a job that has them)")
    group.add_argument("ids", nargs="*", metavar="ID", help="a file id (70000) or a range of ids (70000-70059)")
    group.add_argument("--from", dest="source", metavar="FILE", help="also read ids from a file; - is standard input")
    group.add_argument(
        "--key", dest="keys", action="append", default=[], metavar="KEY", help="an object key; may be repeated"
    )
    group.add_argument(
        "--keys-from",
        dest="keys_source",
        metavar="FILE",
        help="read keys from a file, one per line; - is standard input",
    )
    group.add_argument("--prefix", metavar="PREFIX", help="every file whose key begins with this")
    group.add_argument("--job", metavar="JOB", help="continue with this job instead of starting one")
    group.add_argument(
        "--include", action="append", default=[], metavar="GLOB", help="only keys that match; may be repeated"
    )
    group.add_argument(
        "--exclude", action="append", default=[], metavar="GLOB", help="no keys that match; may be repeated"
    )
    new_job = parser.add_argument_group("options of a new job")
    new_job.add_argument("--callback-url", metavar="URL", help="send a signed webhook there when the job ends")
    new_job.add_argument("--link-ttl", type=positive, metavar="SECONDS", help="how long links work (default: 1 hour)")
    new_job.add_argument("--label", metavar="TEXT", help="what you call the job, shown wherever it is")
    add_idempotency_key(new_job, "the job; the same key again leads to the same job")


def selection_of(arguments: argparse.Namespace) -> Selection | None:
    """The job to start; None with --job. Raises WrongUsage for arguments that contradict each other."""
    ways = list(_ways(arguments))
    for refused, reason in _contradictions(arguments, ways):
        if refused:
            raise WrongUsage(reason)
    if arguments.job is not None:
        return None
    job = Selection(
        archive=_archive(arguments),
        callback_url=arguments.callback_url,
        idempotency_key=arguments.idempotency_key,
        link_ttl=arguments.link_ttl,
        label=arguments.label,
    )
    match ways:
        case ["ids"]:
            return replace(job, file_ids=_some(read_ids(arguments.ids, arguments.source, stdin=arguments.stdin)))
        case ["keys"]:
            return replace(job, keys=_some(_wanted_keys(arguments)))
        case ["a prefix"]:
            return replace(job, prefix=_without_bucket(arguments.prefix))
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
        raise WrongUsage(f"{word!r} is not a file id{_hint(word)}")
    first, last = int(match[1]), int(match[2] or match[1])
    if last < first:
        raise WrongUsage(f"the range {word} runs backwards")
    return range(first, last + 1)


def _hint(word: str) -> str:
    """What the user probably meant by a word that is not an id."""
    key = _BUCKET.sub("", word)
    if key.endswith("/"):
        return f"; to name files by the beginning of their keys, write --prefix {key}"
    if "/" in key:
        return f"; to name a file by its key, write --key {key}"
    return "; write 70000 or 70000-70059, or name files by --key or --prefix"


def _lines(source: str | None, stdin: TextIO) -> Iterator[str]:
    """The words of a file, one per line, without blank lines and comments."""
    for line in _read_text(source, stdin).splitlines() if source is not None else ():
        if word := line.partition("#")[0].strip():
            yield word


def _read_text(source: str, stdin: TextIO) -> str:
    """What a file holds: UTF-8, with a byte order mark or without, or the UTF-16 that Windows writes."""
    try:
        if source != "-":
            content = Path(source).read_bytes()
        elif isinstance(stdin, io.TextIOWrapper):
            content = stdin.buffer.read()
        else:
            return stdin.read().removeprefix("\ufeff")
        encoding = "utf-16" if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
        return io.StringIO(content.decode(encoding), newline=None).read()
    except (OSError, UnicodeDecodeError) as error:
        raise WrongUsage(f"cannot read {source}: {error}") from error


def _wanted_keys(arguments: argparse.Namespace) -> list[str]:
    """The keys of the arguments, then those in a file (one per line, taken literally), if they match the patterns."""
    source = arguments.keys_source
    lines = [] if source is None else _read_text(source, arguments.stdin).split("\n")
    keys = [*map(_without_bucket, arguments.keys), *filter(None, (line.removesuffix("\r") for line in lines))]
    if len(keys) > MAX_FILES:
        raise WrongUsage(f"more than {MAX_FILES:,} files are named, the limit of one job")
    wanted = [key for key in keys if is_wanted(key, include=arguments.include, exclude=arguments.exclude)]
    if keys and not wanted:
        raise WrongUsage(f"none of the {len(keys):,} keys matches --include and --exclude")
    return wanted


def _without_bucket(key: str) -> str:
    if _BUCKET.match(key):
        raise WrongUsage(f"{key} names a bucket, but the service has its own: write {_BUCKET.sub('', key)}")
    return key


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


def _contradictions(arguments: argparse.Namespace, ways: list[str]) -> Iterator[tuple[bool, str]]:
    """Each combination that is refused: whether it was given, and why it is."""
    job, zip_path = arguments.job is not None, arguments.zip
    about_new_job = bool(arguments.callback_url or arguments.idempotency_key or arguments.link_ttl or arguments.label)
    yield job and bool(ways), "--job continues with a job that has its files: name either files or a job"
    yield (
        job and bool(arguments.on_missing or arguments.no_manifest or (zip_path and arguments.layout)),
        "--job continues with a job whose archive has its --layout, --on-missing and --no-manifest",
    )
    yield (
        job and about_new_job,
        "--callback-url, --link-ttl, --label and --idempotency-key are options of a new job: omit them with --job",
    )
    yield len(ways) > 1, f"files are named by {' and by '.join(ways)}: choose one way"
    yield zip_path is None and arguments.on_missing, "--on-missing is an option of an archive: add --zip FILE"
    yield zip_path is None and arguments.no_manifest, "--no-manifest is an option of an archive: add --zip FILE"
    yield from _contradictions_of_zip(arguments, ways)
    yield arguments.checksum and not arguments.skip_existing, "--checksum is an option of --skip-existing: add that"


def _contradictions_of_zip(arguments: argparse.Namespace, ways: list[str]) -> Iterator[tuple[bool, str]]:
    if arguments.zip is None:
        return
    path: Path = arguments.zip
    filtered = bool(arguments.include or arguments.exclude)
    yield path.is_dir() or not path.name, f"--zip {path} is a folder; name the file to write"
    yield arguments.skip_existing, "--skip-existing compares files in a folder, not a ZIP: use -o DIR"
    yield arguments.strip is not None, "--strip names files in a folder, not in a ZIP: use -o DIR"
    yield (
        filtered and ways != ["keys"],
        "--include and --exclude choose among keys that you name, or files in a folder: use --keys-from or -o DIR",
    )


def _archive(arguments: argparse.Namespace) -> ArchiveOptions | None:
    if arguments.zip is None:
        return None
    return ArchiveOptions(
        arguments.zip.name,
        arguments.layout or "flat",
        arguments.on_missing or "skip",
        manifest=not arguments.no_manifest,
    )
