"""Which bodies S3 copies and which bytes the workers carry: the cheapest choice for one physical order.

A copied body lends bytes to its neighbours: every literal run between two copies must reach S3's smallest part, so it
takes what it lacks from the end of the body before it (the *tail*) or from the start of the body after it (the *head*).
What is left of a copied body must reach the smallest part too.

Bodies below the smallest part are always literal. A body of three times that size is always copied: it can give a full
head and a full tail and still be a part. Between the two a dynamic programme decides in one pass. Its states: the last
body of part size is literal, so the run is long enough for anything (only the cheapest such state matters), or it is
copied, and then every such body since some literal one is (a *chain*). A chain has a cost and a *slack*: how many bytes
its last tail could still give.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast

Span = tuple[int, int]  # bytes of a header, bytes of its body

_BYTE = 1 << 32  # the weight of a carried byte against a request: costs compare by bytes, then by requests
_RUN = 2  # requests of a copied body and of the literal run before it


@dataclass(frozen=True, slots=True)
class CopiedBody:
    """The body at physical `position` is copied, without its first `head` and its last `tail` bytes."""

    position: int
    head: int
    tail: int


@dataclass(frozen=True, slots=True)
class Placement:
    """`carried`: body bytes in literal parts. `requests`: copies, literal runs, bodies read and runs fed from one.

    That is before runs and copies are cut into parts, and without a second read of tails.
    """

    carried: int
    requests: int
    copied: tuple[CopiedBody, ...]


_Literals = tuple[int, "_Literals"] | None  # positions of literal bodies of part size, newest first


class _State(NamedTuple):
    cost: int  # bytes and requests, see _BYTE
    literals: _Literals


def place_bodies(spans: Sequence[Span], smallest: int) -> Placement:
    """The placement with the fewest body bytes in literal parts, among those the fewest requests. Linear time.

    `spans` are in physical order; what follows them (the manifest, the directory) is literal and ends the archive,
    so the last run has no minimum. Equal inputs give equal placements.
    """
    best = _best(spans, smallest)
    carried, requests = divmod(best.cost, _BYTE)
    return Placement(carried, requests, tuple(_fed(spans, smallest, best.literals)))


def least_cost(spans: Sequence[Span], smallest: int) -> tuple[int, int]:
    """`carried` and `requests` of `place_bodies`, without the placement itself."""
    return divmod(_best(spans, smallest).cost, _BYTE)


def _best(spans: Sequence[Span], smallest: int) -> _State:
    chains, full = _Chains(smallest), None
    gap = small = 0  # bytes of the run since the last body of part size; cost of all smaller bodies
    for position, (header, body) in enumerate(spans):
        gap += header
        if body < smallest:
            gap += body
            small += body * _BYTE + (body > 0)
            continue
        best = _cheaper(chains.cheapest(), full)
        chains.copy(max(0, smallest - gap), body - smallest)
        if full is not None:
            chains.begin(full, body - smallest)
        full = _State(best.cost + body * _BYTE + 1, (position, best.literals)) if body < 3 * smallest else None
        gap = 0
    best = _cheaper(chains.cheapest(), full)
    return best._replace(cost=best.cost + small + 1)  # and the last run


def _cheaper(chain: _State | None, full: _State | None) -> _State:
    """The better of what there is; `full` is there wherever no chain survives the body."""
    if chain is None or (full is not None and full.cost < chain.cost):
        return cast("_State", full)
    return chain


class _Chains:
    """All chains that may still be the best, cheapest first. A dearer one is kept only if it has more slack.

    A copy adds the same to every cost and to every slack, then cuts slacks off at the same height, so costs and slacks
    are stored less what has been added to all, and chains come and go at the two ends only.
    """

    def __init__(self, smallest: int) -> None:
        self._smallest = smallest
        self._cost = self._slack = 0  # added to all
        self._chains: deque[tuple[int, int, _Literals]] = deque([(0, 0, None)])  # the start of the archive

    def cheapest(self) -> _State | None:
        if not self._chains:
            return None
        cost, _, literals = self._chains[0]
        return _State(cost + self._cost, literals)

    def copy(self, lacking: int, spare: int) -> None:
        """Copy a body with `spare` bytes more than the smallest part; the run before it is `lacking` bytes short."""
        chains = self._chains
        self._cost += lacking * _BYTE + _RUN + (lacking > 0)
        self._slack += spare - lacking
        while chains and chains[0][1] + self._slack < 0:
            chains.popleft()  # its tail and this head together could not feed the run
        height = min(self._smallest, spare) - self._slack
        last = None
        while chains and chains[-1][1] >= height:
            last = chains.pop()
        if last is not None:
            chains.append((last[0], height, last[2]))

    def begin(self, full: _State, spare: int) -> None:
        """The same copy after a literal body: it feeds no run, so this chain has the most slack there can be."""
        chains = self._chains
        cost, slack = full.cost + _RUN - self._cost, min(self._smallest, spare) - self._slack
        while chains and chains[-1][0] >= cost:
            chains.pop()
        if not chains or chains[-1][1] < slack:
            chains.append((cost, slack, full.literals))


def _fed(spans: Sequence[Span], smallest: int, literals: _Literals) -> list[CopiedBody]:
    """The copied bodies with their heads and tails, decided from the end: each run takes what it lacks from the head
    after it as far as that body can spare it, the rest from the tail before it. So tails, which are read twice for the
    CRC-32 in their header, are as few and as small as can be."""
    copied: list[CopiedBody] = []
    tail = 0
    for position, lacking in _runs_before_copies(spans, smallest, literals):
        head = min(lacking, spans[position][1] - smallest - tail)
        copied.append(CopiedBody(position, head, tail))
        tail = lacking - head
    copied.reverse()
    return copied


def _runs_before_copies(spans: Sequence[Span], smallest: int, literals: _Literals) -> list[tuple[int, int]]:
    """The positions of the copied bodies, last first, each with the bytes that the run before it lacks."""
    literal = set()
    while literals is not None:
        position, literals = literals
        literal.add(position)
    runs: list[tuple[int, int]] = []
    gap = 0
    for position, (header, body) in enumerate(spans):
        gap += header
        if body < smallest or position in literal:
            gap += body
        else:
            runs.append((position, max(0, smallest - gap)))
            gap = 0
    runs.reverse()
    return runs
