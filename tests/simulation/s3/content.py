"""Content of objects: bytes, content that is made when it is read, and slices and sequences of both.

Objects of gigabytes cost nothing, for an archive holds slices of what it was copied from.
"""

from __future__ import annotations

import hashlib
import io
import random
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

BLOCK = 64 * 1024
HASHED_WHOLE = 8 * 1024 * 1024  # the MD5 of anything longer is that of its description
POLYNOMIAL = 0xEDB88320


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes `start` to `start + size` of what is held, or, where nothing is, of the endless content named `seed`."""

    start: int
    size: int
    held: bytes = b""
    seed: int = 0

    def read(self, start: int, size: int) -> bytes:
        start += self.start
        if self.held:
            return self.held[start : start + size]
        block, before = _block(self.seed), start % BLOCK
        return (block * ((before + size) // BLOCK + 1))[before : before + size]

    def crc32(self) -> int:
        if self.held or self.size < 4 * BLOCK:
            return zlib.crc32(self.read(0, self.size))
        head = -self.start % BLOCK
        whole, tail = divmod(self.size - head, BLOCK)
        crc = zlib.crc32(self.read(0, head))
        crc = _joined(crc, _repeated(zlib.crc32(_block(self.seed)), BLOCK, whole), whole * BLOCK)
        return _joined(crc, zlib.crc32(self.read(self.size - tail, tail)), tail)


class Content:
    """The content of an object or of a part."""

    __slots__ = ("_crc32", "_md5", "pieces", "size")

    def __init__(self, pieces: Iterable[Piece]) -> None:
        self.pieces = tuple(piece for piece in pieces if piece.size)
        self.size = sum(piece.size for piece in self.pieces)
        self._crc32: int | None = None
        self._md5: bytes | None = None

    @classmethod
    def of(cls, body: bytes) -> Content:
        return cls([Piece(0, len(body), body)])

    @classmethod
    def made(cls, size: int, seed: int) -> Content:
        """So many bytes of the content that `seed` names."""
        return cls([Piece(0, size, seed=seed)])

    @classmethod
    def joined(cls, contents: Iterable[Content]) -> Content:
        return cls(piece for content in contents for piece in content.pieces)

    def slice(self, start: int, size: int) -> Content:
        found: list[Piece] = []
        for piece in self.pieces:
            first, end = max(start, 0), min(start + size, piece.size)
            if first < end:
                found.append(Piece(piece.start + first, end - first, piece.held, piece.seed))
            start -= piece.size
        return Content(found)

    def read(self, start: int = 0, size: int | None = None) -> bytes:
        wanted = self.slice(start, self.size - start if size is None else size)
        return b"".join(piece.read(0, piece.size) for piece in wanted.pieces)

    def crc32(self) -> int:
        if self._crc32 is None:
            crc = 0
            for piece in self.pieces:
                crc = _joined(crc, piece.crc32(), piece.size)
            self._crc32 = crc
        return self._crc32

    def md5(self) -> bytes:
        if self._md5 is None:
            described = self.read() if self.size <= HASHED_WHOLE else f"{self.size} {self.crc32()}".encode()
            self._md5 = hashlib.md5(described, usedforsecurity=False).digest()
        return self._md5


class Stream(io.RawIOBase):
    """Reads content from `start` on, so many bytes."""

    def __init__(self, content: Content, start: int, size: int) -> None:
        self._content, self._at, self._left = content, start, size

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> bytes:
        wanted = self._left if size is None or size < 0 else min(size, self._left)
        body = self._content.read(self._at, wanted)
        self._at += wanted
        self._left -= wanted
        return body


@cache
def _block(seed: int) -> bytes:
    return random.Random(f"content {seed}").randbytes(BLOCK)


# --- CRC-32 of sequences, by arithmetic of polynomials modulo the CRC's own; bit 31 is the lowest power.


def _joined(first: int, second: int, second_size: int) -> int:
    """The CRC of one content after another."""
    return _times(_shift(second_size), first) ^ second


def _repeated(crc: int, size: int, count: int) -> int:
    """The CRC of `count` contents of one CRC and size."""
    found, found_size = 0, 0
    for bit in bin(count)[2:]:
        found, found_size = _joined(found, found, found_size), 2 * found_size
        if bit == "1":
            found, found_size = _joined(found, crc, size), found_size + size
    return found


@cache
def _shift(size: int) -> int:
    """x^(8 * size)."""
    power, found = 1 << 30, 1 << 31  # x, and 1
    exponent = 8 * size
    while exponent:
        if exponent & 1:
            found = _times(power, found)
        power = _times(power, power)
        exponent >>= 1
    return found


def _times(a: int, b: int) -> int:
    product = 0
    for bit in range(31, -1, -1):
        if a >> bit & 1:
            product ^= b
        b = (b >> 1) ^ (POLYNOMIAL if b & 1 else 0)
    return product
