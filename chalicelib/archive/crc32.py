"""The CRC-32 of a whole from the CRC-32s of its pieces, without the bytes.

A CRC-32 is a polynomial over GF(2) modulo P (APPNOTE 4.4.7). Appending n bytes multiplies the first CRC by x^(8n), so
joining two pieces is one multiplication modulo P and one xor. Bit 31 stands for x^0, as in the CRC itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, lru_cache

_POLYNOMIAL = 0xEDB88320
_ONE = 1 << 31
_X_TO_THE_8 = 1 << 23


def crc32_combine(first: int, second: int, second_size: int) -> int:
    """The CRC-32 of two pieces joined, given both CRCs and the second one's size in bytes."""
    return _multiply(_shift_by(second_size), first) ^ second


def crc32_concat(pieces: Iterable[tuple[int, int]]) -> int:
    """The CRC-32 of pieces joined in order; each is (CRC-32, size in bytes). No pieces: 0, as for no bytes."""
    total = 0
    for crc, size in pieces:
        total = crc32_combine(total, crc, size)
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
