"""A real archive over 4 GiB, on disk as a sparse file: the ZIP64 branches with the format's own sentinels."""

from __future__ import annotations

import zipfile
from functools import cache
from pathlib import Path
from zlib import crc32

import pytest

from chalicelib.archive.archives import ArchivePlan
from chalicelib.archive.crc32 import crc32_concat
from chalicelib.archive.entries import RequestedFile
from chalicelib.archive.layout import directory_pieces
from chalicelib.archive.manifest import manifest_pieces
from chalicelib.archive.parts import LiteralPart
from chalicelib.archive.pieces import crc_of, window
from chalicelib.archive.records import local_header
from chalicelib.archive.rules import S3
from chalicelib.archive.segments import BodySegment, DirectorySegment, HeaderSegment, Segment, segments_of
from chalicelib.limits import GiB, MiB
from tests.interop.readers import READERS
from tests.unit.archive.shapes import planned

SIZES = [3 * MiB, 4 * GiB + 1, 20 * MiB, 7, 0]  # bytes of zeros
SENTINEL = 0xFFFFFFFF


@cache
def crc_of_zeros(size: int) -> int:
    block = bytes(16 * MiB)
    whole, rest = divmod(size, len(block))
    return crc32_concat([(crc32(block), len(block))] * whole + [(crc32(block[:rest]), rest)])


def built(sizes: list[int], path: Path) -> Path:
    files = [
        RequestedFile(n, f"zeros-{n}.bin", size=size, etag='"e"', crc32=crc_of_zeros(size))
        for n, size in enumerate(sizes)
    ]
    plan = planned(files, S3)
    with path.open("wb") as out:
        for part in plan.plan.base_parts():
            if isinstance(part, LiteralPart):
                out.seek(part.offset)
                for segment in segments_of(plan.layout, part):
                    write(out, segment, plan)
        out.truncate(plan.layout.size)
    return path


def write(out, segment: Segment, plan: ArchivePlan) -> None:
    """The segment's bytes; zeros are left out as holes."""
    layout = plan.layout
    crcs = [entry.crc32 or 0 for entry in layout.entries]
    crcs[-1] = crc_of(manifest_pieces(plan.manifest, crcs))
    match segment:
        case HeaderSegment(number):
            out.write(local_header(layout.entries[number], crcs[number], layout.limits))
        case BodySegment(number, start, stop) if number < layout.sources:
            out.seek(stop - start, 1)
        case BodySegment(_, start, stop):
            out.writelines(window(manifest_pieces(plan.manifest, crcs), start, stop))
        case DirectorySegment(start, stop):
            out.writelines(window(directory_pieces(layout, crcs), start, stop))


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(SIZES, tmp_path_factory.mktemp("big") / "archive.zip")


@pytest.mark.slow
@pytest.mark.parametrize("reader", READERS)
def test_a_reader_verifies_an_archive_over_four_gib(reader: str, archive: Path):
    READERS[reader].require()

    READERS[reader].check(archive)

    assert READERS[reader].count(archive) == len(SIZES) + 1


@pytest.mark.slow
def test_the_archive_is_as_large_as_its_name_says(archive: Path):
    assert archive.stat().st_size > 4 * GiB
    with zipfile.ZipFile(archive) as reader:
        assert sorted(info.file_size for info in reader.infolist()[:-1]) == sorted(SIZES)


@pytest.mark.slow
@pytest.mark.parametrize("reader", ["7z", "bsdtar", "bsdtar from a pipe", "jar"])
def test_a_file_whose_size_is_the_sentinel_itself_is_verified(reader: str, tmp_path: Path):
    """Not by unzip 6.00: it takes a true size of 0xFFFFFFFF, read from ZIP64, for a sentinel once more."""
    READERS[reader].require()

    READERS[reader].check(built([3, SENTINEL, 7], tmp_path / "archive.zip"))
