from __future__ import annotations

import msgspec
import pytest

from chalicelib.archive.encoding import decode, encode
from chalicelib.archive.entries import INCLUDED, Entries, Entry
from chalicelib.archive.parts import Chunk, Header, Literal, decode_chunk, encode_chunk
from chalicelib.errors import UnknownFormat

ENTRIES = [
    Entry("downloads/70000.zip", 70_000, size=12, etag="a", modified=1_700_000_000, crc32=0),
    Entry("ключ/é.txt", size=0, etag="bb", crc32=0xFFFFFFFF),
    Entry("half\ud800", state="missing", reason="not_found"),
    Entry("", 7, "failed", "archived", 5_000_000_000_000, "", 3),
    Entry("downloads/70001.zip", 70_001, size=1, etag="c"),
    Entry("again", state="missing", reason="not_found"),
]


def columns() -> Entries:
    entries = Entries()
    entries.extend(ENTRIES[:2])
    entries.extend(ENTRIES[2:])
    return entries


def test_columns_give_back_what_was_put_in():
    entries = columns()

    assert [entries[row] for row in range(len(entries))] == ENTRIES
    assert [entries.state(row) == INCLUDED for row in range(6)] == [True, True, False, False, True, False]


@pytest.mark.parametrize("size", [1, 2, 4, 6])
def test_rows_survive_being_stored_in_any_stretches(size: int):
    entries, again = columns(), Entries()
    for start in range(0, len(entries), size):
        again.append(entries.encode(start, min(start + size, len(entries))))

    assert [again[row] for row in range(len(again))] == ENTRIES
    again.extend(ENTRIES)
    assert [again[row] for row in range(6, 12)] == ENTRIES


def test_a_crc_may_be_found_out_later():
    entries = columns()
    entries.learn_crc32(4, 99)

    assert entries[4].crc32 == 99


def test_an_included_file_without_a_size_is_refused():
    with pytest.raises(ValueError, match="size is unknown"):
        Entries().extend([Entry("a")])


# --- encoding -----------------------------------------------------------------------------


def test_a_stored_value_of_another_version_is_recognised():
    body = msgspec.msgpack.encode({"v": 2, "tasks": []})

    with pytest.raises(UnknownFormat, match="Chunk"):
        decode_chunk(body)
    with pytest.raises(UnknownFormat):
        decode(b"not at all", Chunk)
    with pytest.raises(UnknownFormat):
        decode_chunk(b"")


def test_a_chunk_says_its_version():
    assert msgspec.msgpack.decode(encode_chunk(())) == {"v": 1, "tasks": []}


def test_what_is_not_meant_to_be_stored_is_refused():
    with pytest.raises(NotImplementedError):
        encode(object())


def test_a_chunk_of_version_0_1_0_has_headers_without_timestamps():
    header = ["header", 0, "a.txt", 5, 1_700_000_000, None, [], "", ""]
    body = msgspec.msgpack.encode({"v": 1, "tasks": [["literal", 0, 1, 40, [header]]]})

    (part,) = decode_chunk(body)

    assert isinstance(part, Literal)
    assert part.sources == (Header(0, "a.txt", 5, 1_700_000_000, None, timestamp=False),)
