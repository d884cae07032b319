"""How the `lorry` command finds and addresses the service, and which messages and exit codes errors become."""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path

import pytest
from support.fake_server import JOB_ID, FakeServer, Fault
from support.running import CLIENT, END_SECONDS, Command, Start, store

SECRET = "s3cr3t-t0k3n"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["get"], "no files are named"),
        (["get", "seven"], "'seven' is not a file id"),
        (["get", "70009-70000"], "runs backwards"),
        (["get", "10000-99999999"], "more than 100,000 files"),
        (["get", "70000", "--job", "x"], "name either files or a job"),
        (["get", "--from", "nowhere.txt"], "cannot read nowhere.txt"),
        (["get", "70000", "--jobs", "0"], "must be 1 or more"),
        (["get", "9"], "400 invalid_request"),
        (["get", "--job", "unknown"], "404 job_not_found"),
        (["--api", "ftp://x", "jobs"], "not an http:// or https:// URL"),
        (["frobnicate"], "invalid choice"),
        ([], "required"),
    ],
)
def test_wrong_usage_ends_with_2_and_says_what_is_wrong(command: Command, words: list[str], complaint: str) -> None:
    ended = command(*words)
    assert ended.returncode == 2
    assert complaint in ended.stderr


def test_what_was_said_wrongly_is_quoted_as_a_terminal_may_show_it(command: Command) -> None:
    ended = command("get", "70000", "--from", "\x1b[31mred\u202e")
    assert ended.returncode == 2
    assert "cannot read \\x1b[31mred\\u202e" in ended.stderr
    assert "\x1b" not in ended.stderr


def test_a_service_that_does_not_listen_ends_with_4(start_command: Start) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        process = start_command("check", "70000", LORRY_API_URL=f"http://127.0.0.1:{unused.getsockname()[1]}")
        _, stderr = process.communicate(timeout=END_SECONDS)
    assert process.returncode == 4
    assert "cannot reach http://127.0.0.1" in stderr
    assert "trying again in" in stderr


def test_another_server_at_the_address_ends_with_4(command: Command, service: FakeServer) -> None:
    service.faults = [Fault("/lorry/", 200, body=b"<html>")]
    ended = command("jobs")
    assert ended.returncode == 4
    assert "is not a Lorry service (200, not JSON); use the ApiUrl" in ended.stderr


def test_the_address_is_found_in_outputs_json(command: Command, service: FakeServer, tmp_path: Path) -> None:
    store(service, 70000)
    for folder in (".lorry", "elsewhere"):
        (tmp_path / folder).mkdir()
    (tmp_path / ".lorry" / "outputs.json").write_text(json.dumps({"ApiUrl": service.url}))
    assert command("check", "70000", LORRY_API_URL="").returncode == 0
    lost = command("check", "70000", LORRY_API_URL="", LORRY_HOME=str(tmp_path / "elsewhere"))
    assert lost.returncode == 2
    assert "elsewhere/outputs.json does not exist\nlorry: name the service with --api URL" in lost.stderr
    (tmp_path / "elsewhere" / "outputs.json").write_text(json.dumps({"ApiUrl": service.url}))
    assert command("check", "70000", LORRY_API_URL="", LORRY_HOME=str(tmp_path / "elsewhere")).returncode == 0


def test_the_examples_of_the_readme_work(service: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store(service, 70000, 70001)
    readme = (CLIENT / "README.md").read_text(encoding="utf-8")
    examples = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    for example in examples:
        exec(example.replace("http://127.0.0.1:4566/lorry", service.url), {})
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["70000.zip", "70001.zip"]
    assert (tmp_path / "out.zip").is_file()


def test_the_token_comes_from_a_file_or_else_from_the_environment(
    command: Command, service: FakeServer, tmp_path: Path
) -> None:
    service.tokens = {"of-the-file", "of-the-environment"}
    (tmp_path / "token").write_text("of-the-file\n")
    assert command("--token-file", "token", "jobs", LORRY_TOKEN="of-the-environment").returncode == 0
    assert command("jobs", LORRY_TOKEN="of-the-environment").returncode == 0
    sent = [seen.headers["Authorization"] for seen in service.requests("jobs")]
    assert sent == ["Bearer of-the-file", "Bearer of-the-environment"]


def test_a_service_that_requires_a_token_ends_with_2_and_a_hint(command: Command, service: FakeServer) -> None:
    service.tokens = {SECRET}
    ended = command("jobs", LORRY_TOKEN="")
    assert ended.returncode == 2
    assert "401 unauthenticated: a bearer token is required" in ended.stderr
    assert "give a token with --token-file PATH or in LORRY_TOKEN" in ended.stderr


@pytest.mark.parametrize(
    ("content", "complaint"), [(None, "cannot read the token file"), (b"", "is empty"), (b"\xff", "is not text")]
)
def test_a_token_file_without_a_token_ends_with_2(
    command: Command, service: FakeServer, tmp_path: Path, content: bytes | None, complaint: str
) -> None:
    if content is not None:
        (tmp_path / "token").write_bytes(content)
    ended = command("--token-file", "token", "jobs")
    assert ended.returncode == 2
    assert complaint in ended.stderr
    assert service.seen == []


def test_headers_are_sent_to_the_service_and_their_values_are_not_printed(
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
        (["--header", f"Authorization: Bearer {SECRET}"], "others can read it in the list of processes"),
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


def test_a_refused_token_may_have_expired(command: Command, service: FakeServer, tmp_path: Path) -> None:
    service.tokens = {SECRET}
    (tmp_path / "token").write_text("expired")
    ended = command("jobs", "--token-file", "token")
    assert ended.returncode == 2
    assert "lorry: the token was refused: it may have expired" in ended.stderr
    assert "--token-file" not in ended.stderr


def test_a_wrong_address_is_named(command: Command, service: FakeServer) -> None:
    address = service.url.removesuffix("/lorry")
    service.faults = [Fault("/v1/", 405, body=b"<html>")]
    ended = command("get", "70000", "--api", address)
    assert ended.returncode == 4
    assert ended.stderr == (
        f"lorry: {address} is not a Lorry service (405 at /v1/download/initiate); "
        "use the ApiUrl of the stack, with its path (such as /lorry)\n"
    )


def test_a_single_reading_gives_up_after_four_attempts(command: Command) -> None:
    ended = command("status", JOB_ID, LORRY_API_URL="http://127.0.0.1:9/lorry")
    assert ended.returncode == 4
    assert "tried 4 times" in ended.stderr.splitlines()[-1]
