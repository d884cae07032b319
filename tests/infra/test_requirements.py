"""requirements.lock: what ships, by its hash, in step with requirements.txt and what is installed; and its audit."""

from __future__ import annotations

import re
from importlib.metadata import Distribution
from pathlib import Path
from typing import Any

import pytest

from infra.dependencies import HERE, LOCK, REPOSITORY, CannotInstall, Target, installed, on_aws
from infra.requirements import heading, verdict

PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+) \\$", re.MULTILINE)
HASHES = re.compile(r"--hash=sha256:[0-9a-f]{64}")
ELF_MACHINES = {"arm64": 0xB7, "x86_64": 0x3E}  # e_machine, at byte 18 of an ELF file


CLEAN: dict[str, Any] = {"name": "one", "version": "1", "vulns": []}
BAD: dict[str, Any] = {"name": "two", "version": "2", "vulns": [{"id": "CVE-2026-1"}]}
UNKNOWN: dict[str, Any] = {"name": "three", "skip_reason": "not found"}


def normal(name: str) -> str:
    """As PEP 503 spells it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(text: str) -> dict[str, str]:
    return {normal(name): version for name, version in PIN.findall(text)}


def distributions(target: Target) -> dict[str, str]:
    folders = installed(target).glob("*.dist-info")
    return {normal(found.name): found.version for found in map(Distribution.at, folders)}


def test_the_lock_is_of_these_requirements() -> None:
    assert LOCK.read_text().startswith(heading((REPOSITORY / "requirements.txt").read_bytes())), "run `make lock`"


def test_every_requirement_is_locked_in_the_version_that_is_asked_for() -> None:
    asked = (REPOSITORY / "requirements.txt").read_text()
    wanted = {normal(name): version for name, version in re.findall(r"^([\w.-]+)==(\S+)$", asked, re.MULTILINE)}
    assert wanted
    assert wanted.items() <= pins(LOCK.read_text()).items()


def test_nothing_is_locked_without_hashes_nor_from_a_place_of_this_machine() -> None:
    text = LOCK.read_text()
    for entry in text.split("\n")[2:]:
        assert not entry or PIN.match(entry) or HASHES.search(entry), entry
    assert len(HASHES.findall(text)) > len(pins(text))
    assert "://" not in text


def test_what_is_locked_is_what_is_installed() -> None:
    assert distributions(HERE) == pins(LOCK.read_text())


def test_a_file_whose_hash_is_not_in_the_lock_is_not_installed(tmp_path: Path) -> None:
    forged = tmp_path / "requirements.lock"
    forged.write_text("six==1.17.0 \\\n    --hash=sha256:" + "0" * 64 + "\n")
    with pytest.raises(CannotInstall, match=r"(?i)hash"):
        installed(HERE, lock=forged, cache=tmp_path / "cache")


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ELF_MACHINES)
def test_both_architectures_of_lambda_get_compiled_code_of_their_own(architecture: str) -> None:
    folder = installed(on_aws(architecture))
    compiled = list(folder.rglob("*.so"))
    assert {path.name.partition(".")[0] for path in compiled} >= {"_core", "_rust", "_cffi_backend"}
    for path in compiled:
        assert path.read_bytes()[18] == ELF_MACHINES[architecture], path
    assert distributions(on_aws(architecture)) == pins(LOCK.read_text())


@pytest.mark.slow
def test_installing_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    one, other = installed(on_aws("arm64")), installed(on_aws("arm64"), cache=tmp_path)
    assert one != other
    assert contents(one) == contents(other)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("findings", "required", "code", "said"),
    [
        ([CLEAN, BAD], False, 1, "two 2: CVE-2026-1"),
        ([CLEAN, UNKNOWN], False, 0, "no known vulnerability in 1"),
        ([UNKNOWN], False, 0, "nothing was audited"),
        ([UNKNOWN], True, 1, "nothing was audited"),
        (None, False, 0, "nothing was audited"),
        (None, True, 1, "nothing was audited"),
    ],
)
def test_a_vulnerability_fails_the_audit_and_a_silent_index_only_where_the_audit_is_required(
    findings: list[dict[str, Any]] | None, required: bool, code: int, said: str
) -> None:
    found, text = verdict(findings, required=required)
    assert (found, said in text) == (code, True)
