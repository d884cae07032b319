"""The commands about archives: `archive ls`, `cat` and `get` read a ZIP in the store, `verify` one on the disk."""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import shutil
import sys
import zipfile
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from lorry.command.options import Subparsers, add_command, add_json, connect
from lorry.command.usage import SHOWN, ExitCode, WrongUsage, complain
from lorry.command.wording import human_bytes, human_files
from lorry.errors import ArchiveUnreadable
from lorry.local_files import prepare_folder
from lorry.models import FileOutcome
from lorry.names import PART_ENDING, Names, beside, is_wanted, printable
from lorry.remote_zip import FixedLink, RemoteZip
from lorry.retries import RetryPolicy
from lorry.verification import BROKEN, Verification, verify

ARCHIVE = """Reads single entries of the archives of a job, or of any ZIP behind a link, without downloading the rest.

SOURCE is a job, or a URL: of an archive at the service, or a link to a ZIP in a store that supports Range.
"""

VERIFY = """Reads every byte of ZIPs that `lorry get --zip` or a browser has downloaded: the data of each entry must
have its CRC-32, and the entries must be those of the manifest inside. Exits 1 if a ZIP has a problem.
"""

Entry = tuple[zipfile.ZipFile, zipfile.ZipInfo]

_STABLE = re.compile(r"/v1/download/([^/]+)(?:/archives/(\d+))?/?")


def add_archive_commands(subparsers: Subparsers) -> None:
    """Adds the commands of this module."""
    archive = add_command(
        subparsers, "archive", help="read single entries of an archive in the store", description=ARCHIVE
    )
    commands = archive.add_subparsers(title="commands", metavar="COMMAND", required=True)

    listing = add_command(
        commands, "ls", help="list entries", description="Lists the entries: size in bytes, time, name."
    )
    listing.add_argument("origin", metavar="SOURCE")
    listing.add_argument("entries", nargs="*", metavar="GLOB", help="only entries that match (default: all)")
    add_json(listing, "one object per entry")
    listing.set_defaults(local_command=_ls)

    cat = add_command(commands, "cat", help="print entries", description="Writes entries to standard output.")
    cat.add_argument("origin", metavar="SOURCE")
    cat.add_argument("entries", nargs="+", metavar="ENTRY", help="a name or a pattern of names")
    cat.set_defaults(local_command=_cat)

    get = add_command(
        commands, "get", help="download entries", description="Downloads entries, with their folders, into a folder."
    )
    get.add_argument("origin", metavar="SOURCE")
    get.add_argument("entries", nargs="+", metavar="ENTRY", help="a name or a pattern of names")
    get.add_argument("-o", "--output", type=Path, default=Path(), metavar="DIR", help="folder to write to (default: .)")
    add_json(get, "one object per entry")
    get.set_defaults(local_command=_get)

    verification = add_command(subparsers, "verify", help="verify ZIPs on this machine", description=VERIFY)
    verification.add_argument("file", nargs="+", type=Path, metavar="FILE")
    add_json(verification, "one object per file")
    verification.set_defaults(local_command=_verify)


def _ls(arguments: argparse.Namespace) -> ExitCode:
    with _entries(arguments) as found:
        for _, info in found:
            if arguments.json:
                print(json.dumps(_entry_json(info)))
            else:
                print(_describe_entry(info))
    return ExitCode.OK


def _cat(arguments: argparse.Namespace) -> ExitCode:
    with _entries(arguments) as found:
        for archive, info in found:
            if not info.is_dir():
                with archive.open(info) as entry:
                    shutil.copyfileobj(entry, sys.stdout.buffer)
    sys.stdout.buffer.flush()
    return ExitCode.OK


def _get(arguments: argparse.Namespace) -> ExitCode:
    folder: Path = arguments.output
    prepare_folder(folder)
    names = Names(tree=True)
    count, size = 0, 0
    with _entries(arguments) as found:
        for archive, info in found:
            if info.is_dir():
                continue
            path = folder / names.path_for(FileOutcome(count, None, info.filename, "available"))
            _extract(archive, info, path=path)
            count += 1
            size += info.file_size
            if arguments.json:
                print(json.dumps(_entry_json(info) | {"path": str(path)}))
    if not arguments.json:
        print(f"{human_files(count)} in {folder} ({human_bytes(size)})")
    return ExitCode.OK


def _extract(archive: zipfile.ZipFile, info: zipfile.ZipInfo, *, path: Path) -> None:
    """Writes the entry to `path`, which gets its name once the CRC-32 is verified."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(beside(path.name, PART_ENDING))
    try:
        with archive.open(info) as entry, part.open("wb") as file:
            shutil.copyfileobj(entry, file, 1 << 20)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextlib.contextmanager
def _entries(arguments: argparse.Namespace) -> Iterator[Iterator[Entry]]:
    """The entries that the arguments choose, each with its archive, which is open while they are read.

    Raises ArchiveUnreadable for a broken ZIP, WrongUsage when an argument matches nothing.
    """
    try:
        with contextlib.closing(_archives(arguments)) as archives:
            yield _chosen(archives, arguments.entries)
    except BROKEN as error:
        raise ArchiveUnreadable(str(error)) from error


def _chosen(archives: Iterable[zipfile.ZipFile], wanted: list[str]) -> Iterator[Entry]:
    unmatched = set(wanted)
    for archive in archives:
        for info in archive.infolist():
            matching = {name for name in wanted if _matches(info.filename, name)}
            unmatched -= matching
            if matching or not wanted:
                yield archive, info
    if unmatched:
        raise WrongUsage(f"no entry matches {', '.join(sorted(unmatched))}; `lorry archive ls` lists them")


def _matches(name: str, wanted: str) -> bool:
    return name == wanted or is_wanted(name, include=[wanted], exclude=[])


def _archives(arguments: argparse.Namespace) -> Generator[RemoteZip, None, None]:
    """The archives of the source, each open while it is used."""
    source: str = arguments.origin
    if source.startswith(("http://", "https://")):
        stable = _STABLE.search(urlsplit(source).path)
        if stable is None:
            with RemoteZip(FixedLink(source), retries=RetryPolicy()) as archive:
                yield archive
            return
        arguments.api = arguments.api or source[: source.index("/v1/download/")]
        source, index = stable[1], stable[2]
    else:
        index = None
    with connect(arguments) as lorry:
        count = len(lorry.status(source).archives)
        for number in range(max(1, count)) if index is None else [int(index)]:
            with lorry.open_archive(source, number) as archive:
                yield archive


def _describe_entry(info: zipfile.ZipInfo) -> str:
    year, month, day, hour, minute, second = info.date_time
    name = printable(info.filename)
    time = f"{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"
    return f"{info.file_size:>14,}  {time}  {name}"


def _entry_json(info: zipfile.ZipInfo) -> dict[str, object]:
    return {"name": info.filename, "size": info.file_size, "crc32": f"{info.CRC:08x}"}


def _verify(arguments: argparse.Namespace) -> ExitCode:
    results = [_verified(path) for path in arguments.file]
    for result in results:
        print(json.dumps(_as_json(result)) if arguments.json else "\n".join(_describe(result)))
    return ExitCode.OK if all(result.ok for result in results) else ExitCode.FILES_LOST


def _verified(path: Path) -> Verification:
    try:
        return verify(path)
    except OSError as error:
        raise WrongUsage(f"cannot read {path}: {error.strerror}") from error


def _describe(result: Verification) -> Iterator[str]:
    for problem in result.problems[:SHOWN]:
        complain(f"{result.path}: {problem}")
    if len(result.problems) > SHOWN:
        complain(f"{result.path}: and {len(result.problems) - SHOWN:,} more problems")
    for absent in result.absent[:SHOWN]:
        complain(f"{result.path}: not in it: {absent}")
    if len(result.absent) > SHOWN:
        complain(f"{result.path}: not in it: {len(result.absent) - SHOWN:,} more")
    by = "its manifest" if result.job_id else "its CRC-32s; it has no manifest"
    count = len(result.problems)
    verdict = f"verified by {by}" if result.ok else f"{count:,} problem{'' if count == 1 else 's'}"
    lost = f", {human_files(len(result.absent))} of the job not in it" if result.absent else ""
    yield f"{result.path}: {human_files(result.entries)}, {human_bytes(result.bytes)}, {verdict}{lost}"


def _as_json(result: Verification) -> dict[str, object]:
    return {
        "path": str(result.path), "ok": result.ok, "entries": result.entries, "bytes": result.bytes,
        "jobId": result.job_id, "problems": result.problems, "absent": result.absent,
    }  # fmt: skip
