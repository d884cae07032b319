"""The workflows of GitHub and the hooks of pre-commit: well-formed, pinned, and naming what exists."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.dependencies import LAMBDA_PYTHON, REPOSITORY

WORKFLOWS = sorted((REPOSITORY / ".github" / "workflows").glob("*.yml"))
COMING = {"test-matrix"}  # not in the Makefile yet
PINNED = re.compile(r"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
CHANGELOG = """\
# Changelog

## Unreleased
- Not yet.

## [1.2.0] - 2026-02-01
### Added
- Wanted.

## 1.2 - 2026-01-01
- Older.

[1.2.0]: https://example.org/1.2.0
"""

Workflow = dict[Any, Any]  # YAML 1.1 reads the key `on` as True


def tool(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def parsed(path: Path) -> Workflow:
    document: Workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    return document


def jobs(name: str) -> dict[str, Any]:
    found: dict[str, Any] = parsed(REPOSITORY / ".github" / "workflows" / name)["jobs"]
    return found


def steps(job: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = job.get("steps", [])
    return found


def commands() -> Iterator[str]:
    for path in WORKFLOWS:
        for job in parsed(path)["jobs"].values():
            yield from (step["run"] for step in steps(job) if "run" in step)


def python_of(job: dict[str, Any]) -> str:
    (version,) = (step["with"]["python-version"] for step in steps(job) if "setup-python@" in step.get("uses", ""))
    return str(version)


def test_there_are_workflows_to_look_at() -> None:
    assert {path.name for path in WORKFLOWS} == {"ci.yml", "deploy.yml", "nightly.yml", "release.yml"}


def test_actionlint_has_nothing_to_say() -> None:
    # Runners have ShellCheck, laptops may not: without it the answer is the same everywhere.
    command = [tool("actionlint"), "-shellcheck=", "-pyflakes=", *map(str, WORKFLOWS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_pre_commit_accepts_its_configuration() -> None:
    command = [tool("pre-commit"), "validate-config", str(REPOSITORY / ".pre-commit-config.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_pinned_by_a_hash_whose_version_is_told(path: Path) -> None:
    used = [
        line.strip().removeprefix("- ") for line in path.read_text(encoding="utf-8").splitlines() if "uses:" in line
    ]
    assert used
    for line in used:
        assert line.startswith("uses: ./.github/") or PINNED.fullmatch(line), line


def test_one_action_has_one_hash() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in WORKFLOWS)
    pins = {(action.split("/")[1], pin) for action, pin in re.findall(r"uses: ([^@\s]+)@(.*)", text)}
    assert len(pins) == len({repository for repository, _ in pins}), sorted(pins)


def test_every_target_of_make_exists() -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = {target for command in commands() for target in re.findall(r"\bmake ([a-z-]+)", command)}
    assert {"check", "test", "test-slow", "deploy"} <= named
    assert named - targets <= COMING


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_no_workflow_holds_a_key_or_reads_a_secret(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(
        r"aws[-_](secret[-_])?access[-_]key|AKIA[0-9A-Z]{16}|\bsecrets[.\[]|secrets: inherit", text, re.I
    )


def test_only_the_deployment_and_the_release_may_do_more_than_read() -> None:
    more: dict[str, Any] = {}
    for path in WORKFLOWS:
        document = parsed(path)
        assert document["permissions"] == {"contents": "read"}, path.name
        more |= {name: job["permissions"] for name, job in document["jobs"].items() if "permissions" in job}
    assert more == {"deploy": {"contents": "read", "id-token": "write"}, "release": {"contents": "write"}}


def test_every_job_ends_in_time_and_leaves_no_credentials_of_git_behind() -> None:
    for path in WORKFLOWS:
        for name, job in parsed(path)["jobs"].items():
            assert "uses" in job or job["timeout-minutes"] <= 60, f"{path.name}: {name}"
            for step in steps(job):
                if "checkout@" in step.get("uses", ""):
                    assert step["with"]["persist-credentials"] is False, f"{path.name}: {name}"


def test_a_tag_goes_nowhere_before_ci_has_passed() -> None:
    for name, job in (("deploy.yml", "deploy"), ("release.yml", "release")):
        assert jobs(name)["ci"]["uses"] == "./.github/workflows/ci.yml"
        assert jobs(name)[job]["needs"] == "ci"
    assert jobs("deploy.yml")["deploy"]["environment"]["name"] == "production"


def test_the_package_is_made_and_deployed_by_the_python_that_runs_it_and_that_ci_tests() -> None:
    assert python_of(jobs("deploy.yml")["deploy"]) == python_of(jobs("ci.yml")["build"]) == LAMBDA_PYTHON
    versions = [job["strategy"]["matrix"]["python"] for job in jobs("ci.yml").values() if "strategy" in job]
    assert any(LAMBDA_PYTHON in tested for tested in versions)


def test_runners_are_given_the_readers_that_ci_run_installs() -> None:
    needed = re.findall(r"^need (\S+) (\S+)$", (REPOSITORY / ".ci" / "run").read_text(encoding="utf-8"), re.MULTILINE)
    readers = {f"{command}:{package}" for command, package in needed if command != "make"}
    assert readers
    for job in ("test", "slow"):
        (install,) = (step["run"] for step in steps(jobs("ci.yml")[job]) if "apt-get" in step.get("run", ""))
        assert readers == set(re.findall(r"\S+:[a-z][\w-]+", install))


def notes(folder: Path, tag: str) -> subprocess.CompletedProcess[str]:
    """What the release's own script makes of CHANGELOG."""
    (script,) = (step["run"] for step in steps(jobs("release.yml")["release"]) if step.get("id") == "notes")
    (folder / "CHANGELOG.md").write_text(CHANGELOG)
    command = [shutil.which("bash") or "bash", "-eo", "pipefail", "-c", script]
    environment = {"TAG": tag, "PATH": "/usr/bin:/bin"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("tag", "expected"), [("v1.2.0", "### Added\n- Wanted."), ("v1.2", "- Older.")])
def test_notes_of_a_release_are_its_section_of_the_changelog(tmp_path: Path, tag: str, expected: str) -> None:
    done = notes(tmp_path, tag)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "notes.md").read_text().strip() == expected


def test_a_tag_without_a_section_is_not_released(tmp_path: Path) -> None:
    done = notes(tmp_path, "v9.9.9")
    assert done.returncode == 1
    assert 'no section "## 9.9.9"' in done.stderr
