"""In which physical order the bodies cost least. The directory keeps the order of the request, so nobody sees it.

Every copied body is preceded by a literal run that must reach S3's smallest part, and bytes that are literal anyway are
the cheapest filling: small files, then bodies a little above the smallest part (carrying one of 6 MiB costs 6 MiB, but
saves the run it fills 5). So: decide how many of the largest bodies are copied, hand the rest out to their runs, and
put the emptiest runs before the largest bodies, which can give a head. The placement then decides for that order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from heapq import heapify, heapreplace
from itertools import accumulate, chain, combinations, islice, permutations

from chalicelib.archive.placement import Span, least_cost

_TINY = 6  # lists up to this long: every order is tried
_SHORT = 12  # lists up to this long are polished by trying every swap and every move


def physical_order(spans: Sequence[Span], smallest: int) -> list[int]:
    """The indices of `spans` (in the order of the request) in physical order. Deterministic.

    The request's own order is kept unless another one carries fewer bytes, or as few with fewer requests.
    """
    asked = list(range(len(spans)))
    large = sorted((i for i in asked if spans[i][1] >= smallest), key=lambda i: -spans[i][1])
    if not large or (len(spans) == len(large) and spans[large[-1]][1] >= 3 * smallest):
        return asked  # nothing to copy, or nothing to fill with
    if len(spans) <= _TINY:
        return min(map(list, permutations(asked)), key=lambda order: _cost(spans, order, smallest))
    copies, carried = _how_many_copied(spans, large, smallest)
    orders: Iterable[list[int]] = chain([asked], _filled_orders(spans, large, copies, smallest))
    if len(spans) <= _SHORT:
        orders = (_polished(spans, order, smallest) for order in orders)
        carried = 0
    return _first_good(orders, spans, smallest, carried)


def _cost(spans: Sequence[Span], order: Sequence[int], smallest: int) -> tuple[int, int]:
    return least_cost([spans[i] for i in order], smallest)


def _first_good(orders: Iterable[list[int]], spans: Sequence[Span], smallest: int, good: int) -> list[int]:
    """The first order that carries no more than `good`, else the best of all: costing a long list takes a while."""
    costs: list[tuple[tuple[int, int], int, list[int]]] = []
    for rank, order in enumerate(orders):
        costs.append((_cost(spans, order, smallest), rank, order))
        if costs[-1][0][0] <= good:
            return order
    return min(costs)[2]


def _how_many_copied(spans: Sequence[Span], large: list[int], smallest: int) -> tuple[int, int]:
    """How many of the largest bodies to copy, the rest being filling: the least carried bytes over all splits, if the
    filling went in without loss. Also those bytes: no order carries less, but for what headers fill."""
    small = sum(body for _, body in spans if body < smallest)
    carried = list(accumulate((spans[i][1] for i in reversed(large)), initial=small))  # by how many are literal
    sure = sum(spans[i][1] >= 3 * smallest for i in large)

    def estimate(copies: int) -> int:
        literal = len(large) - copies  # each fills one run
        return carried[literal] + max(0, (copies - literal) * smallest - small)

    copies = min(range(max(sure, 1), len(large) + 1), key=estimate)
    return copies, estimate(copies)


def _filled_orders(spans: Sequence[Span], large: list[int], copies: int, smallest: int) -> Iterator[list[int]]:
    """Runs of filling, each before the body it serves, fullest run before smallest body; what is left comes last.

    A body that is too small to give a head may still be fed by the tail of a larger one before it: then the largest
    and the smallest are also tried in turns.
    """
    small = [i for i, (_, body) in enumerate(spans) if body < smallest]
    copied, filling = large[:copies], large[copies:] + small
    runs, left = _fill([spans[i][0] for i in copied], filling, spans, smallest)
    runs.sort(key=lambda run: -sum(sum(spans[i]) for i in run))
    served = [[*sorted(run), body] for run, body in zip(runs, reversed(copied), strict=True)]
    yield [*chain.from_iterable(served), *left]
    if spans[copied[-1]][1] < 2 * smallest:
        turns = chain.from_iterable(zip(reversed(served), served, strict=True))
        yield [*chain.from_iterable(islice(turns, len(served))), *left]


def _fill(
    heads: list[int], filling: list[int], spans: Sequence[Span], smallest: int
) -> tuple[list[list[int]], list[int]]:
    """Hand the filling out, largest first, each to the emptiest run, until every run reaches the smallest part.

    An item that overshoots the emptiest run overshoots all of them, so nothing better was open to it.
    Returns the runs and what was not needed, in the order of the request.
    """
    runs: list[list[int]] = [[] for _ in heads]
    fills = [(header, run) for run, header in enumerate(heads)]
    heapify(fills)
    by_size = sorted(filling, key=lambda i: (-spans[i][1], i))
    for given, item in enumerate(by_size):
        bytes_, run = fills[0]
        if bytes_ >= smallest:
            return runs, sorted(by_size[given:])
        runs[run].append(item)
        heapreplace(fills, (bytes_ + sum(spans[item]), run))
    return runs, []


def _polished(spans: Sequence[Span], order: list[int], smallest: int) -> list[int]:
    """Swaps and moves of one entry for as long as one of them saves bytes."""
    best = _cost(spans, order, smallest)
    improved = True
    while improved:
        improved = False
        for other in _neighbours(order):
            cost = _cost(spans, other, smallest)
            if cost < best:
                order, best, improved = other, cost, True
                break
    return order


def _neighbours(order: list[int]) -> Iterator[list[int]]:
    for a, b in combinations(range(len(order)), 2):
        swapped = order.copy()
        swapped[a], swapped[b] = order[b], order[a]
        yield swapped
    for a in range(len(order)):
        for b in range(len(order)):
            if a != b:
                moved = order[:a] + order[a + 1 :]
                moved.insert(b, order[a])
                yield moved
