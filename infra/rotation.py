"""A new value for the deployment's secret, beside which the old one counts for a while."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

from chalicelib.delivery.signing_keys import CACHE_SECONDS, Secrets

HOUR_MS = 3_600_000


class StillOverlapping(Exception):
    """The last rotation is not over: another one would cut off whoever still has the value before it."""


def fresh() -> Secrets:
    """A first value, which no other follows or precedes."""
    return Secrets(current=secrets.token_hex(32))


def rotated(old: Secrets, now_ms: int, *, overlap_hours: int, force: bool) -> Secrets:
    """A new value; the old one counts for `overlap_hours` more. Raises StillOverlapping unless `force` is given.

    The new one signs nothing for as long as a container may not have heard of it, unless the old one ends at once.
    """
    if old.overlaps(now_ms) and not force:
        raise StillOverlapping(
            f"the last rotation's overlap lasts until {moment(old.previous_until)}, and a secret has one predecessor: "
            "receivers that still have the old one would be cut off; wait, or add FORCE=yes"
        )
    until = now_ms + overlap_hours * HOUR_MS
    return Secrets(
        current=secrets.token_hex(32),
        previous=old.current if overlap_hours else "",
        previous_until=until if overlap_hours else 0,
        current_from=min(now_ms + CACHE_SECONDS * 1000, until),
    )


def moment(epoch_ms: int) -> str:
    """2026-11-01 12:00 UTC, for people."""
    return f"{datetime.fromtimestamp(epoch_ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"
