"""Every reader over a table of shapes. Archives are built by running the plan on the strict store in memory."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from zlib import crc32

import pytest

from chalicelib.limits import S3, ZIP, MiB, S3Limits, ZipLimits
from tests.interop.readers import READERS
from tests.support.archives import Planned, entries_of, planned, scaled, stored
from tests.support.strict_s3 import built

SCALED = scaled(1_000)
MIX = [50_000, 10, 0, 1_200, 7_000, 900, 30_000, 2_500, 2_500, 999, 1_000, 1_001]
HOSTILE = [
    "../../etc/passwd",
    "/etc/shadow",
    "C:\\Windows\\system32\\x.dll",
    "con",
    "aux.txt",
    "trailing. ",
    "what?.txt",
    "a:b",
    "line\nbreak",
    "-rf",
    "clash",
    "clash/inner",
    "MANIFEST.json",
    "manifest.json/inner",
    "x" * 300 + ".txt",
]
FOREIGN = [  # letters, forms and directions
    "ä/ö.txt",
    "日本語/ファイル.txt",
    "emoji-👩\u200d👧.png",
    "e\u0301.txt",
    "é.txt",
    "Ελληνικά",
    "עברית.txt",
    "ß",
    "SS",
]
FOLDERS = ["empty/", "empty/deep/", "around/", "../", "-dash/", "ünï/"]
FILES = ["around/a.txt", "content/", "other/b.txt"]

Store = dict[str, bytes]


def named(keys: list[str]) -> Store:
    return {key: f"body of {key!a}".encode() * 40 for key in keys}


SHAPES: dict[str, tuple[Callable[[], Store], S3Limits, ZipLimits]] = {
    "one file": (lambda: stored([12_345]), S3, ZIP),
    "one empty file": (lambda: stored([0]), S3, ZIP),
    "three files": (lambda: stored([1, 2, 3]), S3, ZIP),
    "two thousand tiny files": (lambda: stored([5] * 2_000), SCALED, ZIP),
    "a mix of copied and read bodies": (lambda: stored(MIX), SCALED, ZIP),
    "intermediate objects": (lambda: stored(MIX * 4), scaled(1_000, max_parts=24, intermediate_parts=8), ZIP),
    "hostile names": (lambda: named(HOSTILE), S3, ZIP),
    "non-ASCII names": (lambda: named(FOREIGN), S3, ZIP),
    "names equal but for case": (lambda: named(["a.txt", "A.txt", "a.TXT", "dir/b", "DIR/B"]), S3, ZIP),
    "folders": (lambda: named(FILES) | dict.fromkeys(FOLDERS, b""), S3, ZIP),
    "sizes at 5 MiB": (lambda: stored([5 * MiB - 1, 16 * MiB, 5 * MiB, 5 * MiB + 1]), S3, ZIP),
    "zip64 by the number of entries": (lambda: stored(MIX), SCALED, ZipLimits(sentinel_16=13)),
    "zip64 by offsets": (lambda: stored(MIX), SCALED, ZipLimits(sentinel_32=60_000)),
    "zip64 by sizes and offsets": (lambda: stored(MIX), SCALED, ZipLimits(sentinel_32=1_000)),
    "zip64 everywhere": (lambda: stored(MIX), SCALED, ZipLimits(1, 1)),
}


@cache
def prepared(shape: str) -> tuple[Store, Planned, bytes]:
    make, s3, zips = SHAPES[shape]
    store = make()
    plan = planned(entries_of(store), s3, zip_limits=zips)
    return store, plan, built(plan, store, s3)[0]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("reader", READERS)
def test_a_reader_unpacks_what_was_put_in(reader: str, shape: str, tmp_path: Path):
    READERS[reader].require()
    store, plan, content = prepared(shape)
    archive, folder = tmp_path / "archive.zip", tmp_path / "unpacked"
    archive.write_bytes(content)
    folder.mkdir()

    READERS[reader].extract(archive, folder)

    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    manifest = json.loads(found.pop(plan.volume.names.manifest))
    expected = dict(zip(plan.names, store.values(), strict=True))
    assert found == {name: body for name, body in expected.items() if not name.endswith("/")}
    assert all((folder / name).is_dir() for name in expected.keys() - found.keys())
    assert [row["crc32"] for row in manifest["files"]] == [f"{crc32(body):08x}" for body in store.values()]


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo"])
@pytest.mark.parametrize("reader", [reader for reader in READERS if reader != "zipfile"])
def test_a_reader_restores_the_second_of_each_object_wherever_it_is(reader: str, zone: str, tmp_path: Path):
    READERS[reader].require()
    archive, folder = tmp_path / "archive.zip", tmp_path / "unpacked"
    archive.write_bytes(prepared("a mix of copied and read bodies")[2])
    folder.mkdir()

    READERS[reader].extract(archive, folder, zone)

    found = {path.relative_to(folder).as_posix(): path.stat().st_mtime for path in folder.rglob("*.bin")}
    assert found == {f"files/{number:05}.bin": 1_700_000_000 + number for number in range(len(MIX))}


def test_directories_of_zip64_shapes_hold_what_their_names_say():
    assert b"PK\x06\x06" not in prepared("a mix of copied and read bodies")[2]
    for shape in SHAPES:
        if shape.startswith("zip64"):
            assert b"PK\x06\x06" in prepared(shape)[2]
    assert b"\x01\x00\x10\x00" not in prepared("zip64 by offsets")[2], "no size reaches the sentinel"


@cache
def crowd(entries: int) -> bytes:
    """An archive of so many entries, the manifest counted."""
    limits = scaled(100_000, literal_entries=100_000)
    store = {f"{number:05}": b"" for number in range(entries - 1)}
    return built(planned(entries_of(store), limits), store, limits)[0]


@pytest.mark.parametrize("entries", [65_534, 65_535, 65_536])
@pytest.mark.parametrize("reader", READERS)
def test_a_reader_finds_every_entry_around_the_16_bit_sentinel(reader: str, entries: int, tmp_path: Path):
    READERS[reader].require()
    archive = tmp_path / "archive.zip"
    archive.write_bytes(crowd(entries))

    assert READERS[reader].count(archive) == entries
    assert (b"PK\x06\x06" in crowd(entries)[-200:]) == (entries >= 65_535)
