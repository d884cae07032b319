"""The commands about the service and this client: check, limits, config, completion."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from support.fake_server import FakeServer
from support.running import Command, store


def test_check_ends_with_1_when_the_file_is_missing(command: Command, service: FakeServer) -> None:
    store(service, 70000)
    there, absent = command("check", "70000"), command("check", "70001")
    assert (there.returncode, there.stdout) == (0, "70000 is available: downloads/70000.zip, 102.4 kB\n")
    assert (absent.returncode, absent.stdout) == (1, "70001 is missing\n")
    assert json.loads(command("check", "70001", "--json").stdout) == {
        "file_id": 70001,
        "available": False,
        "s3Key": None,
        "size": None,
    }


def test_limits_are_printed_by_the_names_of_the_service(command: Command, service: FakeServer) -> None:
    service.limits = {"files": {"perJob": 100_000}, "keys": {"allowedPrefix": "downloads/"}, "later": {"new": 1}}
    assert command("limits").stdout.splitlines() == [
        "files.perJob        100,000",
        "keys.allowedPrefix  downloads/",
        "later.new           1",
    ]
    assert json.loads(command("limits", "--json").stdout) == service.limits


def test_settings_are_kept_in_profiles(command: Command, config: Path) -> None:
    assert command("config").stdout == ""
    assert command("config", "api", "http://default/lorry").returncode == 0
    assert command("config", "--profile", "test", "api", "http://test/lorry").returncode == 0
    assert command("config", "jobs", "4", "--profile", "test").returncode == 0
    assert command("config").stdout.splitlines() == [
        "[default]",
        "api         http://default/lorry",
        "[test]",
        "api         http://test/lorry",
        "jobs        4",
    ]
    assert json.loads(command("config", "--json").stdout)["test"] == {"api": "http://test/lorry", "jobs": "4"}
    assert command("config", "api").stdout == "http://default/lorry\n"
    assert command("config", "api", LORRY_PROFILE="test").stdout == "http://test/lorry\n"
    assert command("config", "--unset", "jobs", "--profile", "test").returncode == 0
    unset = command("config", "jobs", "--profile", "test")
    assert (unset.returncode, unset.stdout) == (1, "")
    assert config.stat().st_mode & 0o777 == 0o600


def test_commands_use_the_chosen_profile(command: Command, service: FakeServer, tmp_path: Path) -> None:
    service.tokens = {"of-the-profile"}
    (tmp_path / "token").write_text("of-the-profile")
    command("config", "--profile", "test", "api", service.url)
    command("config", "--profile", "test", "token-file", str(tmp_path / "token"))
    assert command("jobs", "--profile", "test", LORRY_API_URL="http://127.0.0.1:9").returncode == 0
    assert command("jobs", LORRY_API_URL="", LORRY_PROFILE="test").returncode == 0
    refused = command("jobs", LORRY_PROFILE="")
    assert refused.returncode == 2
    assert "give a token with --token-file PATH or in LORRY_TOKEN" in refused.stderr


def test_a_profile_sets_how_many_files_are_downloaded_at_a_time_and_how_often_requests_are_retried(
    command: Command, service: FakeServer
) -> None:
    store(service, 70000)
    assert command("config", "jobs", "1").returncode == command("config", "retries", "0").returncode == 0
    assert command("get", "70000").returncode == 0
    assert "tried once" in command("jobs", LORRY_API_URL="http://127.0.0.1:9").stderr


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["jobs", "--profile", "absent"], "there is no profile 'absent' in "),
        (["config", "colour", "blue"], "invalid choice"),
        (["config", "api", "a\nb"], "not printable"),
        (["config", "--profile", "a]b", "api", "x"], "not a profile name"),
        (["config", "--unset", "api", "jobs"], "name no other"),
        (["config", "jobs", "0"], "it must be a number, 1 or more"),
        (["config", "retries", "many"], "it must be a number, 0 or more"),
    ],
)
def test_settings_that_cannot_be_used_end_with_2(command: Command, words: list[str], complaint: str) -> None:
    ended = command(*words)
    assert ended.returncode == 2
    assert complaint in ended.stderr


def test_a_setting_that_is_not_a_number_is_found_before_the_job_starts(
    command: Command, service: FakeServer, config: Path
) -> None:
    config.parent.mkdir()
    config.write_text("[default]\njobs = nine\n")
    ended = command("get", "70000")
    assert (ended.returncode, ended.stderr) == (
        2,
        "lorry: the setting jobs is 'nine': it must be a number, 1 or more\n",
    )
    assert service.seen == []


def test_a_malformed_configuration_is_named(command: Command, config: Path) -> None:
    config.parent.mkdir()
    config.write_text("api = nowhere\n")
    ended = command("jobs")
    assert ended.returncode == 2
    assert f"cannot read {config}" in ended.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_with_commands_and_options(command: Command, shell: str) -> None:
    script = command("completion", shell).stdout
    assert "--skip-existing" in script or "skip-existing" in script
    assert "watch" in script


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["lorry", "ca"], ["cancel"]),
        (["lorry", "get", "--skip"], ["--skip-existing"]),
        (["lorry", "get", "--layout", "t"], ["tree"]),
        (["lorry", "get", "--zip", "pho"], ["photos.zip"]),
    ],
)
def test_bash_completes(command: Command, tmp_path: Path, words: list[str], expected: list[str]) -> None:
    (tmp_path / "lorry.bash").write_text(command("completion", "bash").stdout)
    (tmp_path / "photos.zip").write_bytes(b"")
    typed = " ".join(f"'{word}'" for word in words)
    steps = (
        f"source ./lorry.bash; COMP_WORDS=({typed}); COMP_CWORD={len(words) - 1}; "
        f"_shtab_lorry; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    )
    ended = subprocess.run(["bash", "-c", steps], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.stdout.split() == expected


def test_ls_lists_objects_and_folders(command: Command) -> None:
    ended = command("ls", "downloads/")
    assert (ended.returncode, ended.stdout.splitlines()) == (
        0,
        ["            downloads/2026/", "  102.4 kB  downloads/a\\x1b.bin", "       5 B  downloads/b.bin  archived"],
    )
    assert "2026" not in command("ls", "-r").stdout
    first = json.loads(command("ls", "--json").stdout.splitlines()[0])
    assert first == {"key": "downloads/2026/", "folder": True, "size": 0, "archived": False}
