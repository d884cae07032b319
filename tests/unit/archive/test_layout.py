"""Which bodies are copied, and in which order bodies lie: the bytes that pass through workers against the fewest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import permutations
from random import Random

import pytest

from chalicelib.archive.encoding import decode, encode
from chalicelib.archive.layout import CopiedBody, Layout, Span, carried_bytes, copied_bodies, physical_order
from chalicelib.limits import KiB, MiB
from tests.support.archives import of_sizes, planned

SMALLEST = 5 * MiB
MIXES: dict[str, Callable[[Random], int]] = {
    "below the smallest part": lambda chance: chance.randrange(SMALLEST),
    "between one and three smallest parts": lambda chance: chance.randrange(SMALLEST, 3 * SMALLEST),
    "at the thresholds": lambda chance: chance.choice([0, 1, 5, 6, 9, 10, 11, 15, 20]) * MiB - chance.randrange(2),
    "up to 40 MiB": lambda chance: chance.randrange(40 * MiB),
    "a kilobyte to 300 MB": lambda chance: int(10 ** chance.uniform(3, 8.5)),
    "few sizes": lambda chance: chance.choice([6, 7, 8, 12, 14, 30]) * MiB,
    "small and large": lambda chance: chance.choice([100 * KiB, 50 * MiB]),
}


def lists(mix: str, *, count: int, longest: int, seed: int) -> Iterator[list[Span]]:
    """Lists of headers and bodies, the same in each run."""
    chance = Random(f"{mix} {seed}")
    for _ in range(count):
        sizes = [max(0, MIXES[mix](chance)) for _ in range(chance.randrange(2, longest + 1))]
        yield [(chance.randrange(31, 120), size) for size in sizes]


def carried(spans: list[Span]) -> int:
    return carried_bytes([spans[i] for i in physical_order(spans, SMALLEST)], SMALLEST)


def fewest_bytes(spans: list[Span]) -> int:
    """Brute force: the fewest over all orders and all choices of copied bodies, gaps fed from either side."""
    return min(
        bytes_
        for order in permutations(spans)
        for choice in range(1 << len(order))
        if (bytes_ := bytes_of_choice(order, choice)) is not None
    )


def bytes_of_choice(spans: tuple[Span, ...], choice: int) -> int | None:
    """Bytes carried if the bodies in the bit set `choice` are copied; None if a gap or a copied range is too small."""
    gap, literal, lacking = 0, 0, []
    for position, (header, body) in enumerate(spans):
        gap += header
        if choice >> position & 1:
            lacking.append((body, max(0, SMALLEST - gap)))
            gap = 0
        else:
            gap, literal = gap + body, literal + body
    tail = 0  # what the gap behind takes from the end of a body; the rest comes from the head of the next one
    for body, lack in reversed(lacking):
        spare = body - tail - SMALLEST
        if spare < 0:
            return None
        tail = lack - min(lack, spare)
    return None if tail else literal + sum(lack for _, lack in lacking)


@pytest.mark.parametrize("mix", MIXES)
def test_at_most_one_smallest_part_more_than_brute_force_passes_through_workers(mix: str):
    short = lists(mix, count=80, longest=5, seed=1)

    assert max(carried(spans) - fewest_bytes(spans) for spans in short) <= SMALLEST


@pytest.mark.parametrize("mix", MIXES)
def test_no_order_is_chosen_that_carries_more_than_the_order_of_the_request(mix: str):
    for spans in lists(mix, count=50, longest=200, seed=2):
        assert sorted(physical_order(spans, SMALLEST)) == list(range(len(spans)))
        assert carried(spans) <= carried_bytes(spans, SMALLEST)


@pytest.mark.parametrize("mix", MIXES)
def test_gaps_and_copied_ranges_reach_the_smallest_part(mix: str):
    for spans in lists(mix, count=50, longest=50, seed=3):
        start = 0
        for position, head in copied_bodies(spans, SMALLEST):
            gap = sum(header + body for header, body in spans[start:position]) + spans[position][0] + head
            assert gap >= SMALLEST
            assert spans[position][1] - head >= SMALLEST
            start = position + 1


def test_a_head_is_only_what_the_gap_lacks():
    spans = [(100, 4 * MiB), (100, 20 * MiB), (100, 20 * MiB)]

    assert list(copied_bodies(spans, SMALLEST)) == [CopiedBody(1, MiB - 200), CopiedBody(2, SMALLEST - 100)]


def test_small_files_are_put_before_large_ones():
    spans = [(100, 50 * MiB)] * 10 + [(100, 100 * KiB)] * 5_000

    assert carried(spans) == 5_000 * 100 * KiB


def test_the_order_of_the_request_is_kept_where_another_saves_nothing():
    assert physical_order([(100, 16 * MiB)] * 9, SMALLEST) == list(range(9))
    assert physical_order([(100, 7)] * 9, SMALLEST) == list(range(9))
    assert physical_order([], SMALLEST) == []


def test_every_offset_follows_from_sizes():
    plan = planned(of_sizes([30, 0, 20]))
    layout = plan.layout
    headers = [30 + len(f"files/{number}.bin") + 9 for number in range(3)]

    assert list(layout.offsets[:3]) == [0, headers[0] + 30, headers[0] + headers[1] + 30]
    assert layout.generated_offset == sum(headers) + 50
    assert layout.directory_offset == layout.generated_offset + 30 + len("MANIFEST.json") + 9 + plan.volume.sizes[-1]
    assert layout.size == layout.directory_offset + layout.directory_size + 22


def test_a_layout_survives_being_stored():
    layout = planned(of_sizes([30, 0, 20])).layout

    assert decode(encode(layout), Layout) == layout
