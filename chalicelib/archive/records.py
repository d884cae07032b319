"""The records of a ZIP as bytes: APPNOTE.TXT 6.3.10, section numbers beside each layout.

Entries are stored, names are UTF-8 (flag bit 11), sizes and CRC-32 stand in the local header (no data descriptors),
and ZIP64 fields appear exactly where a value reaches its sentinel. DOS times have no time zone: readers take them for
local time, so each record has an extended timestamp too, which is in UTC.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from typing import NamedTuple

from chalicelib.limits import ZIP, ZIP_MAX_NAME_BYTES, ZIP_SENTINEL_16, ZIP_SENTINEL_32, ZipLimits

_LOCAL = struct.Struct("<IHHHHHIIIHH")  # 4.3.7
_CENTRAL = struct.Struct("<IHHHHHHIIIHHHHHII")  # 4.3.12
_END64 = struct.Struct("<IQHHIIQQQQ")  # 4.3.14
_LOCATOR64 = struct.Struct("<IIQI")  # 4.3.15
_END = struct.Struct("<IHHHHIIH")  # 4.3.16
_LENGTHS = struct.Struct("<HHH")  # of name, extra field and comment, in a directory record
_CRC = struct.Struct("<I")
_CRC_IN_HEADER, _CRC_IN_RECORD, _LENGTHS_IN_RECORD = 14, 16, 28

_LOCAL_SIGNATURE = 0x04034B50
_CENTRAL_SIGNATURE = 0x02014B50
_END64_SIGNATURE = 0x06064B50
_LOCATOR64_SIGNATURE = 0x07064B50
_END_SIGNATURE = 0x06054B50
_ZIP64_EXTRA = 0x0001  # 4.5.3
_TIMESTAMP = struct.Struct("<HHBi")  # 4.6.1 and Info-ZIP's extrafld.txt: tag, size, which times follow, modified
_TIMESTAMP_EXTRA = 0x5455
_MODIFIED_FOLLOWS = 1

_VERSION_NEEDED = 20  # 4.4.3
_VERSION_ZIP64 = 45
_MADE_BY = 3 << 8 | 63  # 4.4.2: UNIX, specification 6.3
_FLAGS = 1 << 11  # 4.4.4: the name is UTF-8
_STORED = 0  # 4.4.5
_FILE = 0o100644 << 16  # 4.4.15: a regular file, rw-r--r--
_FOLDER = 0o40755 << 16 | 0x10  # rwxr-xr-x, and the bit that MS-DOS has for it

_FIRST_TIME = 315_532_800  # 1980-01-01T00:00:00Z
_LAST_TIME = 4_354_819_198  # 2107-12-31T23:59:58Z
_LAST_TIMESTAMP = 0x7FFFFFFF  # 2038-01-19T03:14:07Z


class Member(NamedTuple):
    """What the records say of a member of the archive, its CRC-32 apart. Bytes, and Unix seconds (UTC).

    `timestamp`: with the extended timestamp, which plans of version 0.1.0 have no room for.
    """

    name: str
    size: int
    modified: int = 0
    timestamp: bool = True


def header_size(name_size: int, size: int, *, limits: ZipLimits = ZIP) -> int:
    """Bytes of the local header of a member whose name has `name_size` bytes in UTF-8."""
    return _LOCAL.size + name_size + (20 if size >= limits.sentinel_32 else 0) + _TIMESTAMP.size


def record_size(name_size: int, size: int, *, offset: int, limits: ZipLimits = ZIP) -> int:
    """Bytes of a member's record in the central directory."""
    wide = 2 * (size >= limits.sentinel_32) + (offset >= limits.sentinel_32)
    return _CENTRAL.size + name_size + (4 + 8 * wide if wide else 0) + _TIMESTAMP.size


def local_header(member: Member, crc: int, *, limits: ZipLimits = ZIP) -> bytes:
    """The record in front of a body (4.3.7). Its length does not depend on `crc`."""
    name = encoded_name(member.name)
    clock, date = dos_time(member.modified)
    size, extra, version = member.size, b"", _VERSION_NEEDED
    if size >= limits.sentinel_32:
        extra = struct.pack("<HHQQ", _ZIP64_EXTRA, 16, size, size)  # 4.5.3: a local header holds both sizes
        size, version = ZIP_SENTINEL_32, _VERSION_ZIP64
    extra += _timestamp(member)
    lengths = (size, size, len(name), len(extra))
    return _LOCAL.pack(_LOCAL_SIGNATURE, version, _FLAGS, _STORED, clock, date, crc, *lengths) + name + extra


def directory_record(member: Member, crc: int, *, offset: int, limits: ZipLimits = ZIP) -> bytes:
    """The member's record in the central directory (4.3.12); `offset` is where its local header starts."""
    name = encoded_name(member.name)
    clock, date = dos_time(member.modified)
    size, wide = member.size, []
    if size >= limits.sentinel_32:
        wide += [size, size]
        size = ZIP_SENTINEL_32
    if offset >= limits.sentinel_32:
        wide.append(offset)
        offset = ZIP_SENTINEL_32
    extra = struct.pack(f"<HH{len(wide)}Q", _ZIP64_EXTRA, 8 * len(wide), *wide) if wide else b""
    extra += _timestamp(member)
    version = _VERSION_ZIP64 if wide else _VERSION_NEEDED
    head = (_CENTRAL_SIGNATURE, _MADE_BY, version, _FLAGS, _STORED, clock, date, crc, size, size)
    external = _FOLDER if member.name.endswith("/") else _FILE
    return _CENTRAL.pack(*head, len(name), len(extra), 0, 0, 0, external, offset) + name + extra


def end_records(count: int, directory_size: int, *, directory_offset: int, limits: ZipLimits = ZIP) -> bytes:
    """What closes the archive: the end record (4.3.16), after the two ZIP64 ones (4.3.14, 4.3.15) where needed."""
    few = count < limits.sentinel_16
    near, small = directory_offset < limits.sentinel_32, directory_size < limits.sentinel_32
    end = _END.pack(
        _END_SIGNATURE,
        0,
        0,
        count if few else ZIP_SENTINEL_16,
        count if few else ZIP_SENTINEL_16,
        directory_size if small else ZIP_SENTINEL_32,
        directory_offset if near else ZIP_SENTINEL_32,
        0,
    )
    if few and near and small:
        return end
    rest = _END64.size - 12  # 4.3.14.1: the record without its signature and this field
    place = (0, 0, count, count, directory_size, directory_offset)
    end64 = _END64.pack(_END64_SIGNATURE, rest, _MADE_BY, _VERSION_ZIP64, *place)
    return end64 + _LOCATOR64.pack(_LOCATOR64_SIGNATURE, 0, directory_offset + directory_size, 1) + end


def patch_header(header: bytearray, crc: int) -> None:
    """Write a CRC-32 into a local header, which may have anything behind it."""
    _CRC.pack_into(header, _CRC_IN_HEADER, crc)


def patch_records(body: bytearray, start: int, *, stop: int, crcs: Iterator[int]) -> None:
    """Write CRC-32s into the directory records that make up bytes [start, stop), one after the other."""
    while start < stop:
        name, extra, comment = _LENGTHS.unpack_from(body, start + _LENGTHS_IN_RECORD)
        _CRC.pack_into(body, start + _CRC_IN_RECORD, next(crcs))
        start += _CENTRAL.size + name + extra + comment


def encoded_name(name: str) -> bytes:
    """The name as it stands in both records. Raises ValueError past what the length field can hold (4.4.10)."""
    encoded = name.encode()
    if not 0 < len(encoded) <= ZIP_MAX_NAME_BYTES:
        raise ValueError(f"a name has 1 to {ZIP_MAX_NAME_BYTES:,} bytes, not {len(encoded):,}")
    return encoded


def _timestamp(member: Member) -> bytes:
    """The extended timestamp, of the same length in both records; without a time where 32 bits do not hold it."""
    if not member.timestamp:
        return b""
    flags, modified = (_MODIFIED_FOLLOWS, member.modified) if 0 < member.modified <= _LAST_TIMESTAMP else (0, 0)
    return _TIMESTAMP.pack(_TIMESTAMP_EXTRA, _TIMESTAMP.size - 4, flags, modified)


def dos_time(modified: int) -> tuple[int, int]:
    """Unix seconds as the pair (time, date) of 4.4.6, in UTC, clamped to 1980..2107, to the even second below."""
    day, second = divmod(min(max(modified, _FIRST_TIME), _LAST_TIME), 86_400)
    return second // 3600 << 11 | second // 60 % 60 << 5 | second % 60 >> 1, _dos_date(day)


@lru_cache(maxsize=1024)
def _dos_date(day: int) -> int:
    """The day counted from 1970-01-01. Cached: files of one job share few days."""
    date = time.gmtime(day * 86_400)
    return (date.tm_year - 1980) << 9 | date.tm_mon << 5 | date.tm_mday


_POLYNOMIAL = 0xEDB88320
_ONE = 1 << 31
_X_TO_THE_8 = 1 << 23


def crc32_combine(first: int, second: int, *, second_size: int) -> int:
    """The CRC-32 of two pieces joined, given both CRCs and the second one's size in bytes."""
    return _multiply(_shift_by(second_size), first) ^ second


def crc32_concat(pieces: Iterable[tuple[int, int]]) -> int:
    """The CRC-32 of pieces joined in order; each is (CRC-32, size in bytes). No pieces: 0, as for no bytes."""
    total = 0
    for crc, size in pieces:
        total = crc32_combine(total, crc, second_size=size)
    return total


def _multiply(left: int, right: int) -> int:
    """left * right modulo P."""
    product = 0
    while left:
        if left & _ONE:
            product ^= right
        left = left << 1 & 0xFFFFFFFF
        right = right >> 1 ^ (_POLYNOMIAL if right & 1 else 0)
    return product


@lru_cache(maxsize=4096)
def _shift_by(size: int) -> int:
    """x^(8 * size) modulo P. Cached: parts of one plan share few sizes."""
    power, bit = _ONE, 0
    while size:
        if size & 1:
            power = _multiply(power, _square(bit))
        size >>= 1
        bit += 1
    return power


@cache
def _square(bit: int) -> int:
    """x^(8 * 2^bit) modulo P."""
    if bit == 0:
        return _X_TO_THE_8
    root = _square(bit - 1)
    return _multiply(root, root)
