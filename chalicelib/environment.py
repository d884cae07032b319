"""Reads a msgspec.Struct from environment variables: one field a variable, named after the field in capital letters.

A field's annotation says all there is to it: the type, the range and the description in `Meta`, and in its `extra`
    functions   names of the functions that read it, where not all do
    alias       another name of the variable
    expected    what its text must be, where the type does not say it
    reader      turns the text into the value, or raises ValueError
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, inspect

Network = IPv4Network | IPv6Network


def _url(*schemes: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if urlsplit(text).scheme not in schemes or not urlsplit(text).netloc:
            raise ValueError
        return text.rstrip("/")

    return read


def _issuer(text: str) -> str:
    _url("http", "https")(text)
    if "#" in text:  # ends the issuer in the names of callers
        raise ValueError
    return text  # compared character by character with `iss`, a trailing slash included


def _key_template(text: str) -> str:
    if text.count("{file_id}") != 1 or "{" in text.replace("{file_id}", ""):
        raise ValueError
    return text


def _prefix(text: str) -> str:
    return text if text.endswith("/") else text + "/"


def _address(text: str) -> str:
    return str(ip_address(text))


def _networks(text: str) -> tuple[Network, ...]:
    return tuple(ip_network(item) for item in _items(text))


def _items(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]


def _text(expected: str, reader: Callable[[str], Any]) -> Meta:
    """Text that `reader` turns into a value, or refuses with ValueError."""
    return Meta(extra={"expected": expected, "reader": reader})


Url = Annotated[str, _text("an http or https URL", _url("http", "https"))]
IssuerUrl = Annotated[str, _text("an http or https URL without a fragment", _issuer)]
WebsocketUrl = Annotated[str, _text("a ws or wss URL", _url("ws", "wss"))]
KeyTemplate = Annotated[str, _text("text with {file_id} once and no other placeholder", _key_template)]
Prefix = Annotated[str, _text("text", _prefix)]
Address = Annotated[str, _text("an IP address", _address)]
Networks = Annotated[tuple[Any, ...], _text("networks in CIDR notation, separated by commas", _networks)]


class Setting(msgspec.Struct, frozen=True):
    """One field of a struct. `default` is NODEFAULT where one is required; no `functions` means all of them."""

    field: str
    type: Any
    kind: inspect.Type
    default: Any
    help: str
    expected: str
    functions: tuple[str, ...] = ()
    alias: str = ""
    reader: Callable[[str], Any] | None = None

    @property
    def name(self) -> str:
        """The environment variable."""
        return self.field.upper()

    @property
    def required(self) -> bool:
        """Whether the variable must be set."""
        return self.default is msgspec.NODEFAULT

    @property
    def default_text(self) -> str:
        """The default as the variable would hold it."""
        if self.required:
            return ""
        if isinstance(self.default, bool):
            return str(self.default).lower()
        if isinstance(self.default, tuple):
            return ",".join(self.default)
        return f"{self.default:g}" if isinstance(self.default, float) else str(self.default)

    def read(self, environment: Mapping[str, str]) -> Any:
        """The value; an empty variable counts as absent. Raises ValueError."""
        text, other = (environment.get(name, "").strip() for name in (self.name, self.alias))
        if text and other and text != other:
            raise ValueError(f"is {text!r}, but {self.alias}, another name of it, is {other!r}")
        text = text or other
        if not text:
            if self.required:
                raise ValueError("is not set")
            return self.default
        try:
            return self._value(text)
        except ValueError as error:
            raise ValueError(f"is {text!r}; expected {self.expected}") from error

    def _value(self, text: str) -> Any:
        if self.reader:
            return self.reader(text)
        if isinstance(self.kind, inspect.IntType) and not text.isdecimal():
            raise ValueError  # msgspec takes 1e5 and 60.0 for integers
        is_list = isinstance(self.kind, inspect.VarTupleType)
        return msgspec.convert(_items(text) if is_list else text, self.type, strict=False)


def settings_of(struct: type[msgspec.Struct]) -> tuple[Setting, ...]:
    """Every field of the struct as a setting."""
    return tuple(_setting(field) for field in msgspec.structs.fields(struct))


def _setting(field: msgspec.structs.FieldInfo) -> Setting:
    info: Any = inspect.type_info(field.type)  # Metadata: every field has a description
    extra = info.extra or {}
    return Setting(
        field.name,
        field.type,
        info.type,
        field.default,
        help=info.extra_json_schema["description"],
        expected=extra.get("expected") or _expected(info.type),
        functions=extra.get("functions", ()),
        alias=extra.get("alias", ""),
        reader=extra.get("reader"),
    )


def _expected(kind: inspect.Type) -> str:
    match kind:
        case inspect.IntType(ge=low, le=high):
            return f"an integer from {low} to {high}"
        case inspect.FloatType(ge=low, le=high):
            return f"a number from {low:g} to {high:g}"
        case inspect.BoolType():
            return "true or false"
        case inspect.LiteralType(values=values):
            return f"one of {', '.join(map(str, values))}"
        case inspect.VarTupleType(item_type=inspect.LiteralType(values=values)):
            return f"some of {', '.join(map(str, values))}, separated by commas"
        case inspect.VarTupleType():
            return "a list, separated by commas"
    return "text"
