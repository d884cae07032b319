from __future__ import annotations

import json

from chalicelib.archive.entries import RequestedFile
from chalicelib.archive.manifest import Manifest, frame_size, line_size, manifest_entry, manifest_pieces

FILES = [
    RequestedFile(0, "downloads/70000.zip", file_id=70_000, size=12, etag='"a"'),
    RequestedFile(1, "downloads/70001.zip", file_id=70_001, state="missing", reason="not_found"),
    RequestedFile(2, 'quo"te\n\ud800é.txt', size=0, etag='"b"'),
]
NAMES = ["70000.zip", None, "quo_te__é.txt"]
MANIFEST = Manifest("job-1", FILES, NAMES, created=1_750_000_000)


def rendered(manifest: Manifest, crcs: list[int] | None = None) -> bytes:
    return b"".join(manifest_pieces(manifest, crcs))


def test_the_manifest_tells_what_became_of_every_file():
    document = json.loads(rendered(MANIFEST, [0xDEADBEEF, 0]))

    assert document == {
        "version": 1,
        "job_id": "job-1",
        "archive": 1,
        "archives": 1,
        "files": [
            {
                "index": 0,
                "file_id": 70_000,
                "key": "downloads/70000.zip",
                "name": "70000.zip",
                "state": "included",
                "reason": None,
                "size": 12,
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
                "crc32": "00000000",
            },
        ],
    }


def test_crcs_do_not_change_its_size():
    entry = manifest_entry(MANIFEST)

    assert entry.size == len(rendered(MANIFEST)) == len(rendered(MANIFEST, [0xFFFFFFFF, 1]))
    assert (entry.name, entry.key, entry.modified) == ("MANIFEST.json", None, 1_750_000_000)


def test_lines_and_frame_add_up():
    lines = sum(line_size(file, name) for file, name in zip(FILES, NAMES, strict=True))

    assert frame_size(MANIFEST) + lines == len(rendered(MANIFEST)) + 1  # the first line has no comma


def test_a_manifest_of_many_files_comes_in_small_pieces():
    files = [RequestedFile(n, f"downloads/{n}.zip", size=1, etag='"e"') for n in range(5_000)]
    manifest = Manifest("job-1", files, [f"{n}.zip" for n in range(5_000)])

    pieces = list(manifest_pieces(manifest, range(5_000)))

    assert max(map(len, pieces)) < 64 * 1024
    assert [row["crc32"] for row in json.loads(b"".join(pieces))["files"]] == [f"{n:08x}" for n in range(5_000)]


def test_a_manifest_of_nothing_is_json():
    assert json.loads(rendered(Manifest("job-1", [], [])))["files"] == []
