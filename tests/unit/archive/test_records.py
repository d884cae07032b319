from __future__ import annotations

import struct
from datetime import UTC, datetime

import pytest

from chalicelib.archive.records import (
    Member,
    directory_record,
    dos_time,
    end_records,
    header_size,
    local_header,
    patch_header,
    patch_records,
    record_size,
)
from chalicelib.limits import ZIP, ZipLimits

LAST_NARROW = 0xFFFFFFFE
FIRST_WIDE = 0xFFFFFFFF


def test_a_local_header_has_the_fields_of_appnote_4_3_7():
    header = local_header(Member("é.txt", 5, 1_700_000_000), 0xDEADBEEF, limits=ZIP)

    signature, version, flags, method, clock, date, crc, packed, size, name, extra = struct.unpack(
        "<IHHHHHIIIHH", header[:30]
    )
    assert (signature, version, flags, method) == (0x04034B50, 20, 0x800, 0)
    assert (crc, packed, size) == (0xDEADBEEF, 5, 5)
    assert (name, extra, header[30:36]) == (6, 9, "é.txt".encode())
    assert header[36:] == struct.pack("<HHBi", 0x5455, 5, 1, 1_700_000_000)
    assert (clock, date) == (22 << 11 | 13 << 5 | 20 // 2, 43 << 9 | 11 << 5 | 14)
    assert header[14:18] == struct.pack("<I", 0xDEADBEEF)


@pytest.mark.parametrize(("size", "length", "version"), [(LAST_NARROW, 40, 20), (FIRST_WIDE, 60, 45)])
def test_a_local_header_turns_zip64_at_the_sentinel_and_not_before(size, length, version):
    header = local_header(Member("a", size), 0, limits=ZIP)

    assert len(header) == length
    assert struct.unpack_from("<H", header, 4) == (version,)
    if length == 60:
        assert struct.unpack_from("<II", header, 18) == (0xFFFFFFFF, 0xFFFFFFFF)
        assert struct.unpack("<HHQQ", header[31:51]) == (1, 16, size, size)


@pytest.mark.parametrize(
    ("size", "offset", "wide"),
    [
        (LAST_NARROW, LAST_NARROW, ()),
        (FIRST_WIDE, LAST_NARROW, (FIRST_WIDE, FIRST_WIDE)),
        (LAST_NARROW, FIRST_WIDE, (FIRST_WIDE,)),
        (1 << 40, 1 << 41, (1 << 40, 1 << 40, 1 << 41)),
    ],
)
def test_a_directory_record_holds_in_zip64_exactly_what_does_not_fit(size, offset, wide):
    record = directory_record(Member("a", size, 1_700_000_000), 0, offset=offset, limits=ZIP)

    extra = struct.pack(f"<HH{len(wide)}Q", 1, 8 * len(wide), *wide) if wide else b""
    assert record[46:] == b"a" + extra + struct.pack("<HHBi", 0x5455, 5, 1, 1_700_000_000)
    assert struct.unpack_from("<HH", record, 4) == (3 << 8 | 63, 45 if wide else 20)
    assert struct.unpack_from("<II", record, 20) == (min(size, 0xFFFFFFFF),) * 2
    assert struct.unpack_from("<I", record, 42) == (min(offset, 0xFFFFFFFF),)
    assert struct.unpack_from("<I", record, 38) == (0o100644 << 16,)


@pytest.mark.parametrize(
    ("count", "size", "offset", "length"),
    [
        (0xFFFE, LAST_NARROW, LAST_NARROW, 22),
        (0xFFFF, 1, 1, 98),
        (1, FIRST_WIDE, 1, 98),
        (1, 1, FIRST_WIDE, 98),
    ],
)
def test_the_end_turns_zip64_at_each_sentinel_and_not_before(count, size, offset, length):
    end = end_records(count, size, directory_offset=offset, limits=ZIP)

    assert len(end) == length
    assert end[-22:] == struct.pack(
        "<IHHHHIIH",
        0x06054B50,
        0,
        0,
        min(count, 0xFFFF),
        min(count, 0xFFFF),
        min(size, 0xFFFFFFFF),
        min(offset, 0xFFFFFFFF),
        0,
    )
    if length == 98:
        assert end[:56] == struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 3 << 8 | 63, 45, 0, 0, count, count, size, offset)
        assert end[56:76] == struct.pack("<IIQI", 0x07064B50, 0, offset + size, 1)


@pytest.mark.parametrize(
    ("moment", "shown"),
    [
        (datetime(2024, 2, 29, 23, 59, 59, tzinfo=UTC), (2024, 2, 29, 23, 59, 58)),
        (datetime(1970, 1, 1, tzinfo=UTC), (1980, 1, 1, 0, 0, 0)),
        (datetime(2200, 1, 1, tzinfo=UTC), (2107, 12, 31, 23, 59, 58)),
        (datetime(1980, 1, 1, tzinfo=UTC), (1980, 1, 1, 0, 0, 0)),
        (datetime(2107, 12, 31, 23, 59, 59, tzinfo=UTC), (2107, 12, 31, 23, 59, 58)),
    ],
)
def test_times_are_even_seconds_from_1980_to_2107(moment, shown):
    clock, date = dos_time(int(moment.timestamp()))

    year, month, day = (date >> 9) + 1980, date >> 5 & 15, date & 31
    assert (year, month, day, clock >> 11, clock >> 5 & 63, (clock & 31) * 2) == shown


@pytest.mark.parametrize("modified", [-1, 0, 0x80000000, 1 << 40])
def test_a_timestamp_without_a_time_that_32_bits_hold_has_the_same_length(modified):
    member = Member("a", 1, modified)

    assert local_header(member, 0)[31:] == struct.pack("<HHBi", 0x5455, 5, 0, 0)
    assert directory_record(member, 0, offset=0)[47:] == struct.pack("<HHBi", 0x5455, 5, 0, 0)


def test_a_header_of_a_plan_without_timestamps_has_none():
    assert local_header(Member("a", 1, 1_700_000_000, timestamp=False), 0)[28:] == b"\0\0a"


@pytest.mark.parametrize("name", ["", "x" * 65_536])
def test_a_name_that_the_field_cannot_hold_is_refused(name):
    with pytest.raises(ValueError, match="65,535"):
        local_header(Member(name, 0), 0, limits=ZIP)


def test_the_longest_name_is_written_whole():
    assert len(local_header(Member("x" * 65_535, 0), 0, limits=ZIP)) == 30 + 65_535 + 9


def test_lowered_limits_still_write_the_real_sentinels():
    record = local_header(Member("a", 7), 0, limits=ZipLimits(sentinel_32=7))

    assert struct.unpack_from("<II", record, 18) == (0xFFFFFFFF, 0xFFFFFFFF)


def test_limits_wider_than_the_fields_are_refused():
    with pytest.raises(ValueError, match="wider"):
        ZipLimits(sentinel_16=0x10000)


@pytest.mark.parametrize("size", [0, 5, LAST_NARROW, FIRST_WIDE, 1 << 40])
@pytest.mark.parametrize("offset", [0, LAST_NARROW, FIRST_WIDE])
@pytest.mark.parametrize("limits", [ZIP, ZipLimits(1, 1), ZipLimits(1, 5)])
def test_sizes_of_records_are_known_without_them(size: int, offset: int, limits: ZipLimits):
    member = Member("é.txt", size)

    assert header_size(6, size, limits=limits) == len(local_header(member, 0, limits=limits))
    assert record_size(6, size, offset=offset, limits=limits) == len(
        directory_record(member, 0, offset=offset, limits=limits)
    )


def test_crcs_are_written_in_later():
    members = [Member("a", 1), Member("long name", FIRST_WIDE), Member("c", 3)]
    header = bytearray(local_header(members[0], 0) + b"body")
    records = bytearray(b"before" + b"".join(directory_record(member, 0, offset=7) for member in members) + b"behind")
    patch_header(header, 0xDEADBEEF)
    patch_records(records, 6, stop=len(records) - 6, crcs=iter([1, 2, 0xDEADBEEF]))

    assert header == local_header(members[0], 0xDEADBEEF) + b"body"
    columns = zip(members, [1, 2, 0xDEADBEEF], strict=True)
    assert (
        records == b"before" + b"".join(directory_record(member, crc, offset=7) for member, crc in columns) + b"behind"
    )
