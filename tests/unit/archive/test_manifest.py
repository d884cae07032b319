from __future__ import annotations

import json

import pytest

from chalicelib.archive import manifest
from chalicelib.archive.entries import Entry

LINES = [
    (Entry("downloads/70000.zip", 70_000, size=12, etag="a"), "70000.zip"),
    (Entry("downloads/70001.zip", 70_001, "missing", "not_found"), None),
    (Entry('quo"te\n\ud800é.txt', size=0, etag="b", encoding="gzip"), "quo_te__é.txt"),
    (Entry("a/", state="folder", size=0, etag="c"), "a/"),
    (Entry("A/", state="folder", size=0, etag="d"), None),
]


def rendered(crcs: list[int]) -> bytes:
    lines = [manifest.line(row, entry, name=name).encode("ascii") for row, (entry, name) in enumerate(LINES)]
    body = bytearray(manifest.opening("job-1", 1, volumes=2) + manifest.SEPARATOR.join(lines) + manifest.LAST)
    manifest.patch_lines(body, 0, stop=len(body), crcs=iter(crcs))
    return bytes(body + manifest.CLOSING)


def test_the_manifest_says_what_became_of_every_file():
    assert json.loads(rendered([0xDEADBEEF, 1, 0])) == {
        "version": 1,
        "job_id": "job-1",
        "archive": 1,
        "archives": 2,
        "files": [
            {
                "index": 0,
                "file_id": 70_000,
                "key": "downloads/70000.zip",
                "name": "70000.zip",
                "state": "included",
                "reason": None,
                "size": 12,
                "etag": "a",
                "contentEncoding": None,
                "crc32": "deadbeef",
            },
            {
                "index": 1,
                "file_id": 70_001,
                "key": "downloads/70001.zip",
                "name": None,
                "state": "missing",
                "reason": "not_found",
                "size": None,
                "etag": None,
                "contentEncoding": None,
                "crc32": None,
            },
            {
                "index": 2,
                "file_id": None,
                "key": 'quo"te\n\ud800é.txt',
                "name": "quo_te__é.txt",
                "state": "included",
                "reason": None,
                "size": 0,
                "etag": "b",
                "contentEncoding": "gzip",
                "crc32": "00000001",
            },
            {
                "index": 3,
                "file_id": None,
                "key": "a/",
                "name": "a/",
                "state": "folder",
                "reason": None,
                "size": 0,
                "etag": "c",
                "contentEncoding": None,
                "crc32": "00000000",
            },
            {
                "index": 4,
                "file_id": None,
                "key": "A/",
                "name": None,
                "state": "folder",
                "reason": None,
                "size": 0,
                "etag": "d",
                "contentEncoding": None,
                "crc32": None,
            },
        ],
    }


def test_crcs_do_not_change_its_size():
    assert len(rendered([0xFFFFFFFF, 0, 0])) == len(rendered([0, 1, 0]))


@pytest.mark.parametrize("key", ['"crc32":"00000000"}', '\n"crc32":"00000000"},\n', '\\"crc32":"00000000"}'])
def test_a_key_that_looks_like_the_end_of_a_line_is_left_alone(key: str):
    body = bytearray(manifest.line(0, Entry(key, size=1), name="name").encode() + manifest.LAST)
    manifest.patch_lines(body, 0, stop=len(body), crcs=iter([0xABCDEF01]))

    found = json.loads(body)
    assert (found["key"], found["crc32"]) == (key, "abcdef01")


def test_a_manifest_of_nothing_is_json():
    assert json.loads(manifest.opening("job-1", 1, volumes=1) + manifest.CLOSING)["files"] == []
