"""What an audit comes to."""

from __future__ import annotations

from typing import Any

import pytest

from infra.audit import verdict

CLEAN: dict[str, Any] = {"name": "one", "version": "1", "vulns": []}
BAD: dict[str, Any] = {"name": "two", "version": "2", "vulns": [{"id": "CVE-2026-1"}]}
UNKNOWN: dict[str, Any] = {"name": "three", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("told", "required", "code", "said"),
    [
        ([CLEAN, BAD], False, 1, "two 2: CVE-2026-1"),
        ([CLEAN, UNKNOWN], False, 0, "no known vulnerability in 1"),
        ([UNKNOWN], False, 0, "nothing was audited"),
        ([UNKNOWN], True, 1, "nothing was audited"),
        (None, False, 0, "nothing was audited"),
        (None, True, 1, "nothing was audited"),
    ],
)
def test_a_vulnerability_fails_and_an_index_that_tells_nothing_only_where_that_is_asked_for(
    told: list[dict[str, Any]] | None, required: bool, code: int, said: str
) -> None:
    found, text = verdict(told, required=required)
    assert (found, said in text) == (code, True)
