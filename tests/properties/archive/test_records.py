from __future__ import annotations

from zlib import crc32

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.archive.records import crc32_combine, crc32_concat


@given(first=st.binary(), second=st.binary())
def test_two_crcs_combine_to_the_crc_of_both(first, second):
    assert crc32_combine(crc32(first), crc32(second), second_size=len(second)) == crc32(first + second)


@given(pieces=st.lists(st.binary(max_size=50)))
def test_any_number_of_crcs_concatenate(pieces):
    assert crc32_concat((crc32(piece), len(piece)) for piece in pieces) == crc32(b"".join(pieces))


@given(sizes=st.tuples(*[st.integers(0, 1 << 50)] * 3), crcs=st.tuples(*[st.integers(0, 0xFFFFFFFF)] * 3))
def test_combining_is_associative_for_sizes_nobody_can_read(sizes, crcs):
    (a, b, c), (_, size_b, size_c) = crcs, sizes

    left = crc32_combine(crc32_combine(a, b, second_size=size_b), c, second_size=size_c)

    assert left == crc32_combine(a, crc32_combine(b, c, second_size=size_c), second_size=size_b + size_c)
