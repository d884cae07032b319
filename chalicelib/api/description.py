"""What an operation of the API is described by."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from chalicelib.errors import LorryError

JSON = "application/json"


class Access(StrEnum):
    """What a caller must show, where the mode of the deployment asks for anything."""

    PUBLIC = "public"
    CREDENTIALS = "credentials"
    TICKET = "ticket"  # or credentials


@dataclass(frozen=True, slots=True)
class Parameter:
    """`type` is what the value must be, as msgspec knows it."""

    name: str
    place: str
    type: Any
    description: str
    default: Any = None


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that is no problem. `headers` are those beside what every answer carries.

    `next` are ids of operations that one may go on with, and what their parameters are then.
    """

    description: str
    body: Any = None
    headers: tuple[str, ...] = ()
    media_type: str = JSON
    next: dict[str, dict[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path. `errors` are those beside what any operation may meet."""

    id: str
    method: str
    path: str
    tag: str
    summary: str
    description: str = ""
    access: Access = Access.CREDENTIALS
    parameters: tuple[Parameter, ...] = ()
    body: Any = None
    examples: dict[str, Any] = field(default_factory=dict)
    replies: dict[int, Reply]
    errors: tuple[type[LorryError], ...] = ()
    deprecated: bool = False
