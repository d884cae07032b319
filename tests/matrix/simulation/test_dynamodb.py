"""tests/contracts/simulation/test_dynamodb.py, against AWS's DynamoDB Local and MiniStack."""

from __future__ import annotations

import pytest

from tests.contracts.simulation.comparing import Reference
from tests.contracts.simulation.test_dynamodb import (  # noqa: F401
    test_the_answers_are_the_same,
    test_what_is_listed_as_different_still_is,
)
from tests.matrix.simulation.conftest import client_of

# Where AWS's own DynamoDB Local does not do what AWS documents.
LOCAL = {
    r"update \[SET h = :a\]": "an update may give an index key another type",
    r"transaction with an update of (a key|what is)": "reasons of a cancelled transaction are not one for each action",
}

MINISTACK = {
    r"update \[REMOVE l\[0\], l\[2\]": "elements are removed one after the other",
    r"condition \[zz (=|<>) zzz": "what is absent equals what is absent",
    r"condition \[(NOT )?contains\(b,": "contains does not know binaries",
    r"condition \[(contains|begins_with)\(:a, s": "functions know no values in the first place",
    r"condition \[begins_with\(n,": "a number begins with text",
    r"condition \[size\(:a\) = :b\] a=\{'S'": "size knows no values",
    r"a query reads no more": "pages are of another size",
    r"transaction whose condition fails where": "an empty item is in the reason",
}


@pytest.fixture(scope="module", params=["dynamodb_local", "ministack"])
def reference(request: pytest.FixtureRequest) -> Reference:
    if request.param == "dynamodb_local":
        return Reference(client_of("dynamodb", request.getfixturevalue("dynamodb_local_endpoint")), LOCAL)
    return Reference(client_of("dynamodb", request.getfixturevalue("ministack")), MINISTACK, lenient=True)
