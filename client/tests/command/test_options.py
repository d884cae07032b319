"""Options of every command: they work before and after it, and the README describes each."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.fake_server import JOB_ID, FakeServer
from support.running import CLIENT, Command, store

from lorry.command.main import build_parser


def test_every_command_and_option_is_in_the_readme(command: Command) -> None:
    readme = (CLIENT / "README.md").read_text(encoding="utf-8")
    names = re.findall(r"^    (\w+)  ", build_parser().format_help(), re.MULTILINE)
    assert len(names) > 8
    for name in names:
        shown = command(name, "--help").stdout
        options = set(re.findall(r"--[a-z-]+", shown)) - {"--help"}
        assert f"`lorry {name}" in readme
        assert not [option for option in options if option not in readme]


def test_options_work_before_and_after_the_command(command: Command, service: FakeServer, tmp_path: Path) -> None:
    service.tokens = {"secret"}
    (tmp_path / "token").write_text("secret")
    options = ["--api", service.url, "--token-file", "token", "--header", "X-Team: blue"]
    assert command(*options, "jobs", LORRY_API_URL="").returncode == 0
    assert command("jobs", *options, LORRY_API_URL="").returncode == 0
    assert command("--header", "X-Team: blue", "jobs", *options[:4], LORRY_API_URL="").returncode == 0
    assert [seen.headers["X-Team"] for seen in service.requests("jobs")] == ["blue"] * 3


def test_headers_before_and_after_the_command_are_all_sent(command: Command, service: FakeServer) -> None:
    assert command("--header", "X-A: 1", "jobs", "--header", "X-B: 2").returncode == 0
    (seen,) = service.requests("jobs")
    assert (seen.headers["X-A"], seen.headers["X-B"]) == ("1", "2")
    assert command("--header", "X-A: 1", "jobs", "--header", "x-a: 2").returncode == 2


def test_the_command_to_continue_has_options_wherever_they_were_given(command: Command, service: FakeServer) -> None:
    store(service, 70000)
    service.objects.pop("downloads/70000.zip")
    service.make_job(["downloads/70000.zip"])
    service.files[0] |= {"state": "failed", "reason": "forbidden"}
    ended = command("get", "--job", JOB_ID, "--api", service.url, "-q")
    assert f"lorry --api {service.url} get --job {JOB_ID} -o ." in ended.stderr


@pytest.mark.parametrize("retries", ["0", "2"])
def test_requests_are_retried_as_often_as_requested(command: Command, service: FakeServer, retries: str) -> None:
    service.tokens = None
    ended = command("jobs", "--retries", retries, LORRY_API_URL="http://127.0.0.1:9/lorry")
    attempts = {"0": "tried once", "2": "tried 3 times"}[retries]
    assert ended.returncode == 4
    assert f"({attempts})" in ended.stderr.splitlines()[-1]


def test_verbose_logs_requests_without_links_and_queries(command: Command, service: FakeServer) -> None:
    store(service, 70000)
    ended = command("get", "70000", "-v")
    assert ended.returncode == 0
    assert re.search(r"^lorry: POST /v1/download/initiate: 202 in \d+ ms, request -$", ended.stderr, re.MULTILINE)
    assert "lorry: 70000.zip: 200" in ended.stderr
    assert "signature" not in ended.stderr
    assert "limit" not in ended.stderr
    assert command("get", "70000").stderr.count("lorry:") == 0
