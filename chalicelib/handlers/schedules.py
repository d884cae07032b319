"""What runs by the clock."""

from __future__ import annotations

from typing import Any

from chalicelib.container import services
from chalicelib.observability import count, logger, metrics

RESERVE_MS = 5_000  # stop looking for more while there is time to finish the job in hand


def sweep(event: dict[str, Any], context: Any) -> dict[str, int]:
    """Set going again what nothing drives."""
    moved = services().sweeper.sweep(time_left=lambda: context.get_remaining_time_in_millis() > RESERVE_MS)
    count("JobsSwept", moved)
    metrics.flush_metrics()
    logger.info("swept", moved=moved)
    return {"moved": moved}
