"""What is made of an issuer's answers, without one; tests/contracts/test_jwks.py has real ones."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

import pytest

from chalicelib.aws.jwks import MAX_ANSWER_BYTES, PublishedKeys
from chalicelib.errors import KeysUnavailable

ISSUER = "https://issuer.test"
KEYS = [{"kty": "OKP", "kid": "a"}, {"kty": "OKP", "kid": "b"}]


class Answers:
    """A pool whose every answer comes in chunks."""

    status = 200

    def __init__(self, body: bytes, chunk: int = 7) -> None:
        self.chunks = iter([body[start : start + chunk] for start in range(0, len(body), chunk)])
        self.closed = False

    def request(self, method: str, url: str, **_: Any) -> Answers:
        assert (method, url) == ("GET", f"{ISSUER}/keys")
        return self

    def read1(self, _: int) -> bytes:
        return next(self.chunks, b"")

    def close(self) -> None:
        self.closed = True


def published(answers: Any, **more: Any) -> PublishedKeys:
    return PublishedKeys(ISSUER, f"{ISSUER}/keys", answers, **more)


def test_an_answer_in_pieces_is_read_to_its_end() -> None:
    answers = Answers(json.dumps({"keys": KEYS}).encode())
    assert published(answers).fetch() == KEYS
    assert answers.closed


def test_an_answer_that_takes_too_long_is_cut_off_and_says_so() -> None:
    seconds = count()
    answers = Answers(json.dumps({"keys": KEYS}).encode(), chunk=1)
    with pytest.raises(KeysUnavailable, match=f"from {ISSUER}/keys: the answer takes too long"):
        published(answers, clock=lambda: float(next(seconds))).fetch()
    assert answers.closed


def test_an_answer_that_is_too_long_says_so() -> None:
    with pytest.raises(KeysUnavailable, match=f"from {ISSUER}/keys: the answer is longer than"):
        published(Answers(b" " * (MAX_ANSWER_BYTES + 1), chunk=65_536)).fetch()


@pytest.mark.parametrize("url", ["https://[", "https://issuer.test:port/keys"])
def test_an_address_that_is_none_is_named(url: str) -> None:
    with pytest.raises(KeysUnavailable) as caught:
        PublishedKeys(ISSUER, url).fetch()
    assert str(caught.value) == f"the issuer's keys cannot be fetched from {url}: it is not an address"
