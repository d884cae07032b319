"""The `lorry` command's tokens and headers, `watch`, `events` and `limits`, run as people run them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from fake_server import JOB_ID, FakeServer, Fault
from harness import CLIENT, Command

SECRET = "s3cr3t-t0k3n"


def change(name: str, number: int, **members: object) -> bytes:
    job = {"jobId": JOB_ID, "status": name, "updatedAt": "2025-01-01T00:00:00.000Z", "total": 4} | members
    data = json.dumps(job | {"ticket": SECRET})
    return f"retry: 0\n\nevent: {name.replace('processing', 'progress')}\nid: {number}\ndata: {data}\n\n".encode()


@pytest.fixture
def trail(service: FakeServer) -> list[dict[str, object]]:
    service.trail = [
        {
            "kind": kind, "at": "2025-01-01T00:00:00.000Z", "by": "user:ann", "requestId": "req-1", "traceId": "",
            "details": details,
        }
        for kind, details in (("created", {}), ("links_issued", {"count": 2}), ("ready", {}))
    ]  # fmt: skip
    return service.trail


def test_the_token_comes_from_a_file_or_else_from_the_environment(
    command: Command, service: FakeServer, tmp_path: Path
) -> None:
    service.tokens = {"of-the-file", "of-the-environment"}
    (tmp_path / "token").write_text("of-the-file\n")
    assert command("--token-file", "token", "jobs", LORRY_TOKEN="of-the-environment").returncode == 0
    assert command("jobs", LORRY_TOKEN="of-the-environment").returncode == 0
    sent = [seen.headers["Authorization"] for seen in service.requests("jobs")]
    assert sent == ["Bearer of-the-file", "Bearer of-the-environment"]


def test_without_a_token_a_service_that_wants_one_ends_with_2_and_a_hint(command: Command, service: FakeServer) -> None:
    service.tokens = {SECRET}
    ended = command("jobs", LORRY_TOKEN="")
    assert ended.returncode == 2
    assert "401 unauthenticated: a bearer token is required" in ended.stderr
    assert "give a token with --token-file PATH or in LORRY_TOKEN" in ended.stderr


@pytest.mark.parametrize(
    ("content", "complaint"), [(None, "cannot read the token file"), (b"", "is empty"), (b"\xff", "is not text")]
)
def test_a_token_file_that_holds_none_ends_with_2(
    command: Command, service: FakeServer, tmp_path: Path, content: bytes | None, complaint: str
) -> None:
    if content is not None:
        (tmp_path / "token").write_bytes(content)
    ended = command("--token-file", "token", "jobs")
    assert ended.returncode == 2
    assert complaint in ended.stderr
    assert service.seen == []


def test_headers_go_to_the_service_and_their_values_are_not_repeated(
    command: Command, service: FakeServer, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text(SECRET)
    service.put("downloads/70000.zip", b"data")
    service.faults = [Fault("/store/", 404)]
    words = ["--token-file", "token", "--header", f"X-Key: {SECRET}", "--header", "X-Team:blue"]
    ended = command(*words, "get", "70000")
    assert {seen.headers.get("X-Key") for seen in service.requests("/v1/")} == {SECRET}
    assert {seen.headers.get("X-Team") for seen in service.requests("/v1/")} == {"blue"}
    again = f"lorry --token-file token --header 'X-Key: ...' --header 'X-Team: ...' get --job {JOB_ID} -o ."
    assert again in ended.stderr
    assert SECRET not in ended.stdout + ended.stderr


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--header", SECRET], "write a header as 'NAME: VALUE'"),
        (["--header", f"Authorization: Bearer {SECRET}"], "others could read it in the list of processes"),
        (["--header", "X-Team:"], "the header X-Team is empty"),
        (["--header", "X-Team: a", "--header", "x-team: b"], "a header is given twice"),
    ],
)
def test_headers_that_cannot_be_sent_end_with_2(
    command: Command, service: FakeServer, words: list[str], complaint: str
) -> None:
    ended = command(*words, "jobs")
    assert ended.returncode == 2
    assert complaint in ended.stderr
    assert SECRET not in ended.stderr
    assert service.seen == []


def test_a_new_job_may_have_a_callback_and_a_key(command: Command, service: FakeServer) -> None:
    service.put("downloads/70000.zip", b"data")
    words = ["get", "70000", "--callback-url", "https://example.org/hook", "--idempotency-key", "nightly-1", "-q"]
    assert [command(*words).returncode, command(*words).returncode] == [0, 0]
    seen = service.requests("initiate", "POST")[0]
    assert seen.body == {"file_ids": [70000], "callbackUrl": "https://example.org/hook"}
    assert (seen.headers["Idempotency-Key"], service.made) == ("nightly-1", 1)
    reused = command("get", "70001", "--idempotency-key", "nightly-1")
    assert reused.returncode == 2
    assert "422 idempotency_key_reused" in reused.stderr
    assert "nothing was done; give a key of its own to each new request" in reused.stderr


def test_a_retry_may_have_a_key(command: Command, service: FakeServer) -> None:
    service.make_job([], status="failed")
    for _ in range(2):
        assert command("retry", JOB_ID, "--idempotency-key", "again-1").returncode == 0
    assert service.made == 1


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["70000", "--idempotency-key", "two words"], "1 to 255 visible ASCII characters"),
        (["--job", "x", "--idempotency-key", "a"], "are about a new job"),
        (["--job", "x", "--callback-url", "https://example.org"], "are about a new job"),
    ],
)
def test_what_is_about_a_new_job_goes_with_one(
    command: Command, service: FakeServer, words: list[str], complaint: str
) -> None:
    ended = command("get", *words)
    assert (ended.returncode, service.seen) == (2, [])
    assert complaint in ended.stderr


def test_watch_prints_each_change_until_the_job_is_ready(command: Command, service: FakeServer) -> None:
    service.changes = [
        change("queued", 1).replace(b"event: queued", b"event: progress"),
        change("processing", 2, stage="checking", progress=12, processed=2),
        change("ready", 3, progress=100, processed=4),
    ]
    ended = command("watch", JOB_ID)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines() == [
        "2025-01-01 00:00:00  queued          0%  0 of 4 files",
        "2025-01-01 00:00:00  checking       12%  2 of 4 files",
        "2025-01-01 00:00:00  ready         100%  4 of 4 files",
    ]


def test_watch_of_a_job_that_fails_ends_with_3(command: Command, service: FakeServer) -> None:
    error = {"code": "gave_up", "message": "the workers crashed"}
    service.changes = [change("failed", 3, error=error)]
    ended = command("watch", JOB_ID, "--json")
    assert ended.returncode == 3
    assert ended.stderr == f"lorry: job {JOB_ID} failed: the workers crashed (gave_up)\n"
    assert json.loads(ended.stdout)["error"] == error
    assert SECRET not in ended.stdout


def test_watch_of_a_job_of_which_nothing_more_is_told_looks_how_it_ended(command: Command, service: FakeServer) -> None:
    service.make_job([], status="cancelled")
    ended = command("watch", JOB_ID)
    assert (ended.returncode, ended.stdout) == (3, "")
    assert "was cancelled" in ended.stderr


def test_events_are_printed_oldest_first(command: Command, service: FakeServer, trail: list[dict[str, object]]) -> None:
    service.page_limit = 2
    assert command("events", JOB_ID).stdout.splitlines() == [
        "2025-01-01 00:00:00  created               user:ann  req-1",
        '2025-01-01 00:00:00  links_issued          user:ann  {"count": 2}  req-1',
        "2025-01-01 00:00:00  ready                 user:ann  req-1",
    ]
    assert [json.loads(line) for line in command("events", JOB_ID, "--json").stdout.splitlines()] == trail
    assert len(command("events", JOB_ID, "--limit", "1").stdout.splitlines()) == 1


def test_limits_are_printed_under_the_names_of_the_service(command: Command, service: FakeServer) -> None:
    service.limits = {"files": {"perJob": 100_000}, "keys": {"allowedPrefix": "downloads/"}, "later": {"new": 1}}
    assert command("limits").stdout.splitlines() == [
        "files.perJob        100,000",
        "keys.allowedPrefix  downloads/",
        "later.new           1",
    ]
    assert json.loads(command("limits", "--json").stdout) == service.limits


def test_status_as_json_keeps_the_ticket_to_itself(command: Command, service: FakeServer) -> None:
    service.make_job([], status="processing")
    assert "ticket" not in command("status", JOB_ID, "--json").stdout


def test_every_command_and_option_is_in_the_readme(command: Command) -> None:
    readme = (CLIENT / "README.md").read_text(encoding="utf-8")
    for name in ("get", "status", "watch", "events", "cancel", "retry", "jobs", "check", "limits"):
        told = command(name, "--help").stdout
        options = set(re.findall(r"--[a-z-]+", told)) - {"--help"}
        assert f"`lorry {name}" in readme
        assert not [option for option in options if option not in readme]
