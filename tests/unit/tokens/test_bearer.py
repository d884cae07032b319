"""The Authorization header: one bearer's token, or none at all."""

from __future__ import annotations

import pytest

from chalicelib.errors import Unauthenticated
from chalicelib.tokens import bearer_token


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer a.b.c", "a.b.c"),
        ("bearer a.b.c", "a.b.c"),
        ("BEARER  a.b.c ", "a.b.c"),
        ("Bearer a-_.~+/b==", "a-_.~+/b=="),
        ("", None),
        ("  ", None),
    ],
)
def test_the_token_of_a_header(header: str, token: str | None) -> None:
    assert bearer_token(header) == token


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        "Bearer a b",
        "Bearer a, Bearer b",
        "Bearer a,b",
        "Bearer\ta",
        "Bearer a\n",
        "Bearer é",
        'Bearer "a"',
        "Bearer =",
        "a.b.c",
        "Basic YWxpY2U6c2VjcmV0",
        "Basic x, Bearer a.b.c",
        "DPoP a.b.c",
        "BearerX a.b.c",
    ],
)
def test_a_header_that_holds_anything_but_one_token_is_refused(header: str) -> None:
    with pytest.raises(Unauthenticated, match="Authorization"):
        bearer_token(header)
