"""What errors carry, and how they read."""

from __future__ import annotations

from pathlib import Path

import pytest

from lorry import (
    Archive,
    ArchiveDownload,
    ArchiveEnding,
    ArchivesIncomplete,
    Download,
    DownloadFailed,
    FieldError,
    FileOutcome,
    IdempotencyKeyReused,
    Job,
    JobError,
    JobFailed,
    JobNotReady,
    LorryError,
    LorryProblem,
    LorryUnreachable,
    NoArchive,
    ServiceAddressUnknown,
    TargetUnusable,
    TokenUnavailable,
    UnexpectedAnswer,
    WaitTimedOut,
    WebhookUnverified,
)

MISSING = FileOutcome(1, 70001, "downloads/70001.zip", "missing")


@pytest.mark.parametrize(
    ("error", "code", "status", "retryable"),
    [
        (LorryProblem(status=503, code="table_unavailable", detail=""), "table_unavailable", 503, True),
        (LorryProblem(status=409, code="job_already_ended", detail=""), "job_already_ended", 409, False),
        (LorryUnreachable(url="", reason="", attempts=1), "unreachable", None, True),
        (UnexpectedAnswer(url="", reason=""), "unexpected_answer", None, False),
        (JobNotReady(Job("a", "queued")), "job_not_ready", None, True),
        (JobFailed(Job("a", "cancelled")), "job_cancelled", None, False),
        (JobFailed(Job("a", "failed", error=JobError("gave_up", ""))), "gave_up", None, False),
        (WaitTimedOut(Job("a", "queued"), 1.0), "wait_timed_out", None, True),
        (ServiceAddressUnknown(), "service_address_unknown", None, False),
        (DownloadFailed(Download(Path())), "download_failed", None, False),
    ],
)
def test_every_error_says_what_it_is_and_whether_to_try_again(
    error: LorryError, code: str, status: int | None, retryable: bool
) -> None:
    assert (error.code, error.status, error.request_id, error.retryable) == (code, status, None, retryable)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ServiceAddressUnknown(), "no service address is known"),
        (TokenUnavailable("the token is empty"), "the token is empty"),
        (LorryUnreachable(url="http://x", reason="refused", attempts=1), "cannot reach http://x (tried once): refused"),
        (LorryUnreachable(url="http://x", reason="{odd}", attempts=4), "cannot reach http://x (tried 4 times): {odd}"),
        (
            UnexpectedAnswer(url="http://x", reason="not JSON"),
            "http://x is not a Lorry service (not JSON); use the ApiUrl of the stack, with its path (such as /lorry)",
        ),
        (
            LorryProblem(status=400, code="invalid", detail="no", errors=(FieldError("/a", "b"),), request_id="r"),
            "400 invalid: no; /a: b [request r]",
        ),
        (
            IdempotencyKeyReused(status=422, code="idempotency_key_reused", detail="used before"),
            "422 idempotency_key_reused: used before; "
            "nothing was done: use a new key, or repeat the first request exactly",
        ),
        (JobNotReady(Job("j", "queued", progress=7)), "job j is queued (7%), not ready"),
        (JobFailed(Job("j", "cancelled")), "job j was cancelled"),
        (JobFailed(Job("j", "failed", error=JobError("gave_up", "crashed"))), "job j failed: crashed (gave_up)"),
        (WaitTimedOut(Job("j", "queued"), 1.5), "job j is still queued (0%) after 1.5 s"),
        (NoArchive(Job("j", "ready")), "job j was started without an archive; download its files instead"),
        (
            DownloadFailed(Download(Path(), ("70000.zip",), missing=(MISSING,))),
            "1 of 2 files could not be downloaded: 70001 (missing)",
        ),
        (
            ArchivesIncomplete(
                ArchiveDownload((ArchiveEnding(Archive(0, "a.zip", 1), Path("a.zip"), reason="gone"),), 1, (MISSING,))
            ),
            "1 of 1 archives could not be downloaded: a.zip (gone); 1 of 1 files are in no archive: 70001 (missing)",
        ),
        (TargetUnusable(Path("out"), "it is full"), "cannot write to out: it is full"),
        (WebhookUnverified("too old"), "too old"),
    ],
)
def test_every_error_reads_as_a_sentence(error: LorryError, sentence: str) -> None:
    assert str(error) == sentence
    assert repr(error) == f"<{type(error).__name__}: {sentence}>"


def test_a_message_names_ten_files_and_counts_the_rest() -> None:
    lost = tuple(FileOutcome(n, 70000 + n, None, "missing") for n in range(13))
    assert str(DownloadFailed(Download(Path(), missing=lost))).endswith("70009 (missing) and 3 more")
