"""How a plan is stored: MessagePack, each value with its version `v`.

A deployment must not lose the archives that are being built, and after a roll-back older code meets what newer code
has stored. The version is the tag of the value's type, so one that this code does not know is never read as another.
Arrays are stored little-endian, as every machine is that Lambda has.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from chalicelib.errors import UnknownFormat

if TYPE_CHECKING:
    Numbers = array[int]
else:
    Numbers = array  # takes no type argument before Python 3.12

S = TypeVar("S", bound=msgspec.Struct)


def _store(value: Any) -> Any:
    if isinstance(value, array):
        return [value.typecode, value.tobytes()]
    raise NotImplementedError(f"{type(value).__name__} is not stored")


def _restore(_: type, stored: Any) -> Any:
    typecode, body = stored
    return array(typecode, body)


encode = msgspec.msgpack.Encoder(enc_hook=_store).encode


def decode(body: bytes, kind: type[S]) -> S:
    """The value that `encode` gave. Raises UnknownFormat if it is none of this code's version."""
    try:
        return msgspec.msgpack.decode(body, type=kind, dec_hook=_restore)
    except msgspec.DecodeError as error:
        raise UnknownFormat(kind.__name__, str(error)) from error
