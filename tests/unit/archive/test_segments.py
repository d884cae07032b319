from __future__ import annotations

from chalicelib.archive.entries import Entry
from chalicelib.archive.layout import directory_pieces, lay_out
from chalicelib.archive.parts import LiteralPart
from chalicelib.archive.pieces import crc_of, size_of, window
from chalicelib.archive.rules import ZIP
from chalicelib.archive.segments import (
    BodySegment,
    DirectorySegment,
    HeaderSegment,
    Segment,
    segments_of,
)

ENTRIES = [Entry("a", 10, key="a"), Entry("b", 0, key="b"), Entry("c", 20, key="c")]
LAYOUT = lay_out(ENTRIES, [2, 0, 1])
HEADER = 31


def segments(start: int, stop: int) -> list[Segment]:
    return list(segments_of(LAYOUT, LiteralPart(0, 1, start, stop - start, 1)))


def test_bodies_lie_in_physical_order_and_the_directory_behind_them():
    assert segments(0, LAYOUT.size) == [
        HeaderSegment(2),
        BodySegment(2, 0, 20),
        HeaderSegment(0),
        BodySegment(0, 0, 10),
        HeaderSegment(1),
        DirectorySegment(0, LAYOUT.size - LAYOUT.directory_offset),
    ]


def test_a_part_may_begin_and_end_inside_bodies_and_the_directory():
    assert segments(HEADER + 5, HEADER + 20 + HEADER + 3) == [
        BodySegment(2, 5, 20),
        HeaderSegment(0),
        BodySegment(0, 0, 3),
    ]
    assert segments(LAYOUT.directory_offset + 7, LAYOUT.size - 1) == [
        DirectorySegment(7, LAYOUT.size - LAYOUT.directory_offset - 1)
    ]


def test_entries_survive_json():
    for entry in [*ENTRIES, Entry("d", 1, 2, "k", '"e"', 3)]:
        assert Entry.from_json(entry.to_json()) == entry


def test_any_window_of_the_directory_can_be_rendered_by_itself():
    whole = b"".join(directory_pieces(LAYOUT, [1, 2, 3]))

    assert len(whole) == LAYOUT.size - LAYOUT.directory_offset == size_of(directory_pieces(LAYOUT, [1, 2, 3]))
    for start in range(0, len(whole), 13):
        for stop in (start + 1, start + 60, len(whole)):
            assert b"".join(window(directory_pieces(LAYOUT, [1, 2, 3]), start, stop)) == whole[start:stop]


def test_the_directory_comes_in_small_pieces():
    entries = [Entry(f"file-{n}", 1, key="k") for n in range(5_000)]
    layout = lay_out(entries, range(5_000), ZIP)

    assert max(map(len, directory_pieces(layout, range(5_000)))) < 64 * 1024


def test_the_crc_of_pieces_is_that_of_the_whole():
    assert crc_of([b"ab", b"", b"c"]) == crc_of([b"abc"]) == 0x352441C2
