"""Lists for other tools: what is in a key or a name stays what it is."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest

from chalicelib.delivery.file_lists import ListedFile, ListFormat, local_name, rendered
from chalicelib.jobs.model import FileResult, FileState, RequestedFile

PREFIX = "downloads/"
QUOTED = "it's \u2018quoted\u2019 \u201bhere\u201a"
HOSTILE = [
    "plain.txt",
    "folder/with space.txt",
    "=cmd|' /C calc'!A0.csv",
    "-o evil",
    "--output",
    QUOTED + ".txt",
    'say "hello".txt',
    "two\nlines\rhere.txt",
    "../../etc/passwd",
    "url = http://evil.test",
    "#comment",
    "$(touch evil)`touch evil`",
]


def listed(tails: list[str], *, available: bool = True) -> list[ListedFile]:
    files = [RequestedFile(PREFIX + tail) for tail in tails]
    state = FileState.AVAILABLE if available else FileState.FAILED
    result = FileResult(state, 5, "etag", crc32=7, reason=None if available else "forbidden (Access\nDenied)")
    urls = [f"https://store.test/{index}?a=b" if available else None for index in range(len(tails))]
    return [
        ListedFile(index, file, result, local_name(file, index, prefix=PREFIX), urls[index])
        for index, file in enumerate(files)
    ]


def test_every_file_has_a_name_of_its_own() -> None:
    tails = ["a.txt", "a:txt", "a?txt", "b/c.txt", "b//c.txt", "con", "x/../y", "y"]
    names = [file.name for file in listed(tails)]
    assert len(set(names)) == len(tails)
    assert names[0] == "a.txt" and names[3] == "b/c.txt"


@pytest.mark.parametrize("kind", ListFormat)
def test_the_number_of_lines_follows_from_the_number_of_files_alone(kind: ListFormat) -> None:
    harmless = [f"{number}/file.txt" for number in range(len(HOSTILE))]
    for available in (True, False):
        ours = rendered(listed(HOSTILE, available=available), kind)
        theirs = rendered(listed(harmless, available=available), kind)
        # PowerShell makes each folder once
        lines = [[line for line in text.splitlines() if "New-Item" not in line] for text in (ours, theirs)]
        if kind is not ListFormat.CSV:
            assert len(lines[0]) == len(lines[1])


def test_curl_reads_each_url_and_where_it_goes() -> None:
    text = rendered(listed(['say "hello".txt', "-o evil"]), ListFormat.CURL)
    pairs = re.findall(r'^url = "(.*)"\noutput = "(.*)"$', text, re.MULTILINE)
    assert [url for url, _ in pairs] == ["https://store.test/0?a=b", "https://store.test/1?a=b"]
    assert all(output.startswith("./") and '"' not in output for _, output in pairs)


def test_a_table_has_every_file_and_no_formula() -> None:
    rows = list(csv.DictReader(io.StringIO(rendered(listed(HOSTILE), ListFormat.CSV))))
    assert [row["key"] for row in rows] == [PREFIX + tail for tail in HOSTILE]
    assert not [value for row in rows for value in row.values() if value[:1] in ("=", "+", "-", "@")]
    documents = [json.loads(line) for line in rendered(listed(HOSTILE), ListFormat.JSONL).splitlines()]
    assert [document["key"] for document in documents] == [PREFIX + tail for tail in HOSTILE]
    assert documents[0]["crc32"] == "00000007"
    absent = [json.loads(line) for line in rendered(listed(["a"], available=False), ListFormat.JSONL).splitlines()]
    assert (absent[0]["url"], absent[0]["name"], absent[0]["state"]) == (None, None, "failed")


def test_a_script_for_powershell_is_ascii_whatever_code_page_it_is_read_in() -> None:
    text = rendered(listed([f"{QUOTED}.txt", "\u0451; Write-Output INJECTED #.bin", "\U0001f4e6.bin"]), ListFormat.PS1)
    assert text.isascii()
    names = re.findall(r"-OutFile \(('.*')\)$", text, re.MULTILINE)
    assert [_of_powershell(name) for name in names] == [
        f"./{QUOTED}.txt",
        "./\u0451; Write-Output INJECTED #.bin",
        "./\U0001f4e6.bin",
    ]


def _of_powershell(expression: str) -> str:
    """What texts in single quotes and characters, joined by plus signs, come to."""
    parts = re.findall(r"'((?:[^']|'')*)'|\[char\]0x([0-9a-f]{4})", expression)
    units = "".join(chr(int(unit, 16)) if unit else text.replace("''", "'") for text, unit in parts)
    return units.encode("utf-16-le", "surrogatepass").decode("utf-16-le")


def test_hashes_are_listed_where_they_are_known_and_only_there() -> None:
    first, second = listed(["a", "b"])
    known = ListedFile(first.index, first.file, first.result, first.name, first.url, "ab" * 32)
    assert rendered([known, second], ListFormat.SHA256SUM).splitlines() == [
        "# of 1 files the store does not know a SHA-256",
        f"{'ab' * 32}  a",
        "# not known: b",
    ]
