"""A real archive over 4 GiB, on disk as a sparse file: the ZIP64 branches with the format's own sentinels."""

from __future__ import annotations

import zipfile
from functools import cache
from pathlib import Path
from typing import BinaryIO
from zlib import crc32

import pytest

from chalicelib.archive.cutting import PartSources
from chalicelib.archive.entries import Entry
from chalicelib.archive.generated import Renderer, patch_directory, patch_manifest
from chalicelib.archive.parts import Header, Literal, Source
from chalicelib.archive.records import Member, crc32_concat, local_header
from chalicelib.limits import S3, GiB, MiB
from tests.interop.readers import READERS
from tests.support.archives import Planned, planned

SIZES = [3 * MiB, 4 * GiB + 1, 20 * MiB, 7, 0]  # bytes of zeros
SENTINEL = 0xFFFFFFFF


@cache
def crc_of_zeros(size: int) -> int:
    block = bytes(16 * MiB)
    whole, rest = divmod(size, len(block))
    return crc32_concat([(crc32(block), len(block))] * whole + [(crc32(block[:rest]), rest)])


def built(sizes: list[int], path: Path) -> Path:
    plan = planned(
        [Entry(f"zeros-{n}.bin", size=size, etag="e", crc32=crc_of_zeros(size)) for n, size in enumerate(sizes)], S3
    )
    sources = PartSources(plan.volume, plan.layout, cuts=plan.cuts)
    with path.open("wb") as out:
        for (part, _), start in zip(sources.parts(), plan.cuts.starts, strict=True):
            if isinstance(part, Literal):
                write_sources(out, start, part.sources)
        write_sources(out, plan.cuts.end, sources.last())
        out.seek(plan.layout.generated_offset)
        out.write(generated(plan, [crc_of_zeros(size) for size in sizes]))
        out.truncate(plan.layout.size)
    return path


def write_sources(out: BinaryIO, start: int, sources: tuple[Source, ...]) -> None:
    """The headers; zeros are left out as holes."""
    out.seek(start)
    for source in sources:
        if isinstance(source, Header):
            out.write(local_header(Member(source.name, source.size, source.modified), source.crc32 or 0))
        else:
            out.seek(source.size, 1)


def generated(plan: Planned, crcs: list[int]) -> bytes:
    renderer = Renderer(plan.volume, plan.layout)
    made_of, body = renderer.render(0, renderer.items)
    patch_directory(made_of, body, crcs=crcs, manifest_crc=patch_manifest(made_of, body, crcs=crcs))
    return bytes(body)


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
