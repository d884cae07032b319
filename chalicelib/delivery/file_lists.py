"""The files of a job as lists for other tools: what curl, aria2c, wget, PowerShell and spreadsheets read.

Keys and names are other people's text, and stay text in each form: none begins an option, a line or a formula.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from pathlib import PurePosixPath

import msgspec

from chalicelib.archive.names import Naming, counted_name, name_of_key
from chalicelib.jobs.model import FileResult, RequestedFile


class ListFormat(StrEnum):
    """What a list is written for."""

    CURL = "curl"
    ARIA2 = "aria2"
    WGET = "wget"
    CSV = "csv"
    JSONL = "jsonl"
    SHA256SUM = "sha256sum"
    PS1 = "ps1"


class LinkKind(StrEnum):
    """What the URLs of a list are."""

    DIRECT = "direct"  # minted links, which expire soon
    STABLE = "stable"  # addresses of this API with a ticket


class ListedFile(msgspec.Struct, frozen=True):
    """A file of the job. `url` is None where there is nothing to fetch; `sha256` is hex digits where it is known."""

    index: int
    file: RequestedFile
    result: FileResult
    name: str
    url: str | None = None
    sha256: str | None = None


CONTENT_TYPES = {ListFormat.CSV: "text/csv; charset=utf-8"}
PLAIN = "text/plain; charset=utf-8"


def local_name(file: RequestedFile, index: int, *, prefix: str) -> str:
    """A safe relative path that no other file of the job has: that of the key, with the index where it was changed."""
    wanted = file.key.removeprefix(prefix)
    name = name_of_key(file.key, Naming.TREE, prefix=prefix)
    return name if name == wanted else counted_name(name, index)


def rendered(files: Sequence[ListedFile], kind: ListFormat) -> str:
    """The list. Files that cannot be fetched are named in comments where the form has any, and in tables."""
    return "".join(_RENDERERS[kind](files))


def _curl(files: Sequence[ListedFile]) -> Iterator[str]:
    yield "# curl -K FILE; add -Z for several at once\nlocation\nfail\ngloboff\ncreate-dirs\n"
    yield from _absent(files)
    for file in files:
        if file.url:
            yield f'url = "{_in_curl(file.url)}"\noutput = "{_in_curl("./" + file.name)}"\n'


def _in_curl(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _aria2(files: Sequence[ListedFile]) -> Iterator[str]:
    yield "# aria2c -i FILE\n"
    yield from _absent(files)
    for file in files:
        if file.url:
            yield f"{file.url}\n  out={file.name}\n"


def _wget(files: Sequence[ListedFile]) -> Iterator[str]:
    """Names come from the Content-Disposition of the links; there are no comments."""
    return (f"{file.url}\n" for file in files if file.url)


def _ps1(files: Sequence[ListedFile]) -> Iterator[str]:
    yield "$ErrorActionPreference = 'Stop'\n$ProgressPreference = 'SilentlyContinue'\n"
    yield from _absent(files)
    folders = dict.fromkeys(str(PurePosixPath(file.name).parent) for file in files if file.url)
    for folder in folders:
        if folder != ".":
            yield f"New-Item -ItemType Directory -Force -Path {_in_powershell('./' + folder)} | Out-Null\n"
    for file in files:
        if file.url:
            out = _in_powershell("./" + file.name)
            yield f"Invoke-WebRequest -UseBasicParsing -Uri {_in_powershell(file.url)} -OutFile {out}\n"


def _in_powershell(text: str) -> str:
    """An expression of ASCII alone: Windows PowerShell reads scripts in the code page of the machine, where a part of a
    letter may be a quotation mark.
    """
    return f"('{''.join(unit for character in text for unit in _units(character))}')"


def _units(character: str) -> Iterator[str]:
    """A character within single quotes, or its UTF-16 units between two texts."""
    if " " <= character <= "~":
        yield character.replace("'", "''")
        return
    encoded = character.encode("utf-16-be")
    for start in range(0, len(encoded), 2):
        yield f"'+[char]0x{int.from_bytes(encoded[start : start + 2], 'big'):04x}+'"


COLUMNS = ("index", "file_id", "key", "state", "reason", "size", "etag", "crc32", "name", "url")


def _csv(files: Sequence[ListedFile]) -> Iterator[str]:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for file in files:
        writer.writerow([_in_spreadsheet(value) for value in _values(file)])
    yield text.getvalue()


def _in_spreadsheet(value: object) -> object:
    """A text that a spreadsheet would take for a formula gets an apostrophe, which it does not show."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def _jsonl(files: Sequence[ListedFile]) -> Iterator[str]:
    for file in files:
        yield msgspec.json.encode(dict(zip(COLUMNS, _values(file), strict=True))).decode() + "\n"


def _values(file: ListedFile) -> tuple[object, ...]:
    result = file.result
    crc32 = None if result.crc32 is None else f"{result.crc32:08x}"
    known = (str(result.state), result.reason, result.size, result.etag, crc32)
    return (file.index, file.file.file_id, file.file.key, *known, file.name if file.url else None, file.url)


def _sha256sum(files: Sequence[ListedFile]) -> Iterator[str]:
    yield from _absent(files)
    unknown = [file for file in files if file.url and not file.sha256]
    if unknown:
        yield f"# of {len(unknown)} files the store does not know a SHA-256\n"
    for file in files:
        if file.url and file.sha256:
            yield f"{file.sha256}  {file.name}\n"
    yield from (f"# not known: {file.name}\n" for file in unknown)


def _absent(files: Sequence[ListedFile]) -> Iterator[str]:
    """Comments, each a line: what is in a key is written as JSON does."""
    for file in files:
        if not file.url:
            key = json.dumps(file.file.key)
            yield f"# {_one_line(file.result.reason or str(file.result.state))}: {key}\n"


def _one_line(text: str) -> str:
    return " ".join(text.split()).encode("ascii", "backslashreplace").decode()


_RENDERERS: dict[ListFormat, Callable[[Sequence[ListedFile]], Iterator[str]]] = {
    ListFormat.CURL: _curl,
    ListFormat.ARIA2: _aria2,
    ListFormat.WGET: _wget,
    ListFormat.CSV: _csv,
    ListFormat.JSONL: _jsonl,
    ListFormat.SHA256SUM: _sha256sum,
    ListFormat.PS1: _ps1,
}
