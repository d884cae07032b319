"""The table of error answers: a row for every error that a request may end in, and what its answer says."""

from __future__ import annotations

import pytest

from chalicelib import errors
from chalicelib.api import problems
from tests.unit.test_errors import raised

OF_REQUESTS = (errors.RequestError, errors.JobError, errors.StorageError, errors.Unavailable)
ELSEWHERE = {errors.UnsafeCallbackUrl}  # which becomes InvalidRequest in requests, and is no answer of webhooks


@pytest.mark.parametrize("kind", [kind for kind in raised() if issubclass(kind, OF_REQUESTS)])
def test_every_error_of_a_request_has_a_row(kind: type[errors.LorryError]) -> None:
    assert (problems.problem_of(kind.__new__(kind)) is not problems.INTERNAL) is (kind not in ELSEWHERE)


def test_an_error_without_a_row_is_internal_and_says_nothing() -> None:
    document = problems.document(errors.InvalidSettings("TABLE_NAME: is not set"), path="/", request_id="r")
    assert (document.status, document.error) == (500, "internal_error")
    assert "TABLE_NAME" not in document.detail


def test_an_outage_is_answered_without_its_cause() -> None:
    document = problems.document(errors.TableUnavailable("10.0.0.7 refused"), path="/", request_id="r")
    assert document.detail == "Job table unavailable; nothing was lost, retry in 5 s"


@pytest.mark.parametrize(
    ("error", "retry_after"),
    [
        (errors.TooManyRequests(limit=1, window=60, retry_after=17), "17"),
        (errors.JobNotReady("j", "queued", retry_after=1), "1"),
        (errors.JobNotReady("j", "failed"), None),
        (errors.QueueUnavailable("it is down"), "5"),
        (errors.JobNotFound("j"), None),
    ],
)
def test_an_answer_says_when_to_try_again(error: Exception, retry_after: str | None) -> None:
    assert problems.headers(error).get("Retry-After") == retry_after
