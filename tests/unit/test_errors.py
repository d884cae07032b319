"""The tree of errors: a code of its own for each, and a sentence made of its values."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chalicelib import errors
from chalicelib.delivery.subscriptions import ConnectionUnknown
from chalicelib.errors import FieldProblem, InvalidRequest, LorryError


def raised(kind: type[LorryError] = LorryError) -> Iterator[type[LorryError]]:
    """The errors of the module that have no subclasses there."""
    for subclass in kind.__subclasses__():
        if subclass.__module__ == errors.__name__:
            below = list(raised(subclass))
            yield from below or [subclass]


def made(kind: type[LorryError]) -> LorryError:
    """One with a value for each of its names."""
    numbers = ("size", "limit", "count", "window", "retry_after", "milliseconds", "status", "entry")
    special = {"problems": [FieldProblem("/a", "is wrong")], "allowed": ("GET", "PUT")}
    values = {name: special.get(name, 307 if name in numbers else f"<{name}>") for name in kind.fields}
    return kind(**values)


@pytest.mark.parametrize("kind", list(raised()), ids=lambda kind: kind.__name__)
def test_every_error_has_a_code_a_sentence_and_a_place_in_the_tree(kind: type[LorryError]) -> None:
    error = made(kind)
    assert error.code != LorryError.code
    assert str(error)
    assert not {"{", "}"} & set(str(error))
    assert kind.__name__ in str(errors.__doc__)


def test_codes_are_unique() -> None:
    codes = [kind.code for kind in raised()]
    assert len(codes) == len(set(codes))


def test_values_are_given_by_place_or_by_name_and_can_be_read() -> None:
    error = errors.SourceChanged("downloads/1.zip", cause="HTTP 412")
    assert (error.key, error.cause, error.entry) == ("downloads/1.zip", "HTTP 412", -1)
    assert str(error) == "'downloads/1.zip' changed while it was being read: HTTP 412"
    assert not error.retryable
    assert errors.StorageUnavailable("downloads/1.zip", "HTTP 500").retryable


def test_an_invalid_request_names_each_invalid_field() -> None:
    error = InvalidRequest([FieldProblem("/file_ids/3", "expected `int`"), FieldProblem("", "is not JSON")])
    assert str(error) == "/file_ids/3: expected `int`; body: is not JSON"


def test_a_redirect_of_a_webhook_is_explained() -> None:
    assert str(errors.WebhookFailed(500)) == "the receiver of the webhook answered HTTP 500"
    assert "redirects are not followed" in str(errors.WebhookFailed(307))


def test_a_sentence_without_values_is_said_too() -> None:
    assert str(ConnectionUnknown()) == ConnectionUnknown.template
