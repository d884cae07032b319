"""Which bodies S3 copies and which bytes the workers carry: the cheapest choice for one physical order.

A copied body lends bytes to its neighbours: every literal run between two copies must reach S3's smallest part, so it
takes what it lacks from the end of the body before it (the *tail*) or from the start of the body after it (the *head*).
What is left of a copied body must reach the smallest part too.

Bodies below the smallest part are always literal. A body of three times that size is always copied: it can give a full
head and a full tail and still be a part. Between the two a dynamic programme decides. After each such body a state is
what has been spent, how the body ended (literal: the open run is long enough for anything; copied: the run starts
empty) and how many bytes its tail could still give. A state that another one beats in all of that is dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import itemgetter
from typing import NamedTuple

Span = tuple[int, int]  # bytes of a header, bytes of its body


@dataclass(frozen=True, slots=True)
class CopiedBody:
    """The body at physical `position` is copied, without its first `head` and its last `tail` bytes."""

    position: int
    head: int
    tail: int


@dataclass(frozen=True, slots=True)
class Placement:
    """`carried`: body bytes in literal parts. `requests`: reads, copies and literal runs (before runs are cut)."""

    carried: int
    requests: int
    copied: tuple[CopiedBody, ...]


# A persistent list of choices, newest first: (position, head, tail of the copied body before it, older choices).
_History = tuple[int, int, int, "_History"] | None


class _State(NamedTuple):
    carried: int
    requests: int
    slack: int  # bytes that the tail of the last copied body can still give, at most one smallest part
    history: _History


def place_bodies(spans: Iterable[Span], smallest: int) -> Placement:
    """The placement with the fewest body bytes in literal parts, and among those the fewest requests.

    `spans` are in physical order; what follows them (the manifest, the directory) is literal and ends the archive,
    so the last run has no minimum. Equal inputs give equal placements.
    """
    open_: list[_State] = [_State(0, 0, 0, None)]  # the last large body was copied; cheapest first, slack rising
    full: _State | None = None  # the best one whose last large body is literal, so its run is long enough
    gap = small = reads = 0  # bytes of the run since the last large body; all small bodies: bytes, reads
    for position, (header, body) in enumerate(spans):
        gap += header
        if body < smallest:
            gap, small, reads = gap + body, small + body, reads + (body > 0)
            continue
        lacking = smallest - gap if gap < smallest else 0
        gap = 0
        if body >= 3 * smallest:
            open_, full = [_surely_copied(open_, full, _Body(position, body, smallest, lacking))], None
            continue
        best = _best(open_, full)
        open_ = _unbeaten(_copies(open_, full, _Body(position, body, smallest, lacking)))
        full = best._replace(carried=best.carried + body, requests=best.requests + 1)
    best = _best(open_, full)
    return Placement(best.carried + small, best.requests + reads + 1, tuple(_replay(best.history)))


def _best(open_: list[_State], full: _State | None) -> _State:
    if full is None or (open_ and open_[0][:2] <= full[:2]):
        return open_[0]
    return full


class _Body(NamedTuple):
    """One that may be copied; `lacking` is what a run that starts empty needs to reach the smallest part."""

    position: int
    size: int
    smallest: int
    lacking: int


def _surely_copied(open_: list[_State], full: _State | None, body: _Body) -> _State:
    """The one useful state after a body so large that it gives a whole head and keeps a whole tail to give."""
    after_open = _copied(open_[0], body, head=body.lacking, tail=0) if open_ else None
    after_full = _copied(full, body, head=0, tail=0) if full else None
    return _best([after_open] if after_open else [], after_full)


def _copies(open_: list[_State], full: _State | None, body: _Body) -> Iterator[_State]:
    """Every state after copying the body that may be useful: the run is fed from the head alone, or the tail first."""
    spare = body.size - body.smallest
    if full is not None:
        yield _copied(full, body, head=0, tail=0)
    for state in open_:
        if body.lacking <= spare:
            yield _copied(state, body, head=body.lacking, tail=0)
        tail = min(state.slack, body.lacking)
        if tail and body.lacking - tail <= spare:
            yield _copied(state, body, head=body.lacking - tail, tail=tail)


def _copied(state: _State, body: _Body, *, head: int, tail: int) -> _State:
    requests = 2 + (head > 0) + 2 * (tail > 0)  # a tail is read twice: for its run, and for its header's CRC-32
    return _State(
        state.carried + head + tail,
        state.requests + requests,
        min(body.smallest, body.size - body.smallest - head),
        (body.position, head, tail, state.history),
    )


_COST = itemgetter(0, 1)


def _unbeaten(states: Iterable[_State]) -> list[_State]:
    """Cheapest first; each dearer one has more slack than all before it."""
    front: list[_State] = []
    for state in sorted(states, key=_COST):
        if front and state.slack <= front[-1].slack:
            continue
        if front and state[:2] == front[-1][:2]:
            front.pop()
        front.append(state)
    return front


def _replay(history: _History) -> list[CopiedBody]:
    """The choices in physical order. A tail is noted at the next copied body and belongs to the one before."""
    copied: list[CopiedBody] = []
    tail = 0
    while history is not None:
        position, head, tail_before, history = history
        copied.append(CopiedBody(position, head, tail))
        tail = tail_before
    copied.reverse()
    return copied
