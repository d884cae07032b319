"""Events as AWS sends them, recorded; account numbers and ids are made up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

Event = dict[str, Any]


def recorded(name: str) -> Event:
    """A fresh copy of the event in `name`.json."""
    event: Event = json.loads((Path(__file__).parent / f"{name}.json").read_text())
    return event
