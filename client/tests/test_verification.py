"""Which ZIPs are verified, and what is wrong with the others."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest
from support.zips import manifest_of, zip_of

from lorry import Verification, verify

FILES = {"a.txt": b"first content", "b/c.txt": b"x" * 100_000}
MISSING: dict[str, Any] = {"index": 2, "file_id": 70031, "key": "downloads/70031.zip", "name": None,
                           "state": "missing", "reason": "not_found", "size": None, "crc32": None}  # fmt: skip


def result_of(path: Path, data: bytes) -> Verification:
    path.write_bytes(data)
    return verify(path)


def test_a_zip_of_the_service_is_verified_by_its_manifest(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(zip_of(FILES, manifest_of(FILES, MISSING)))
    moved: list[int] = []
    result = verify(path, progress=moved.append)
    assert result == Verification(path, 2, 100_013, (), "job-1", ("70031 (not_found)",))
    assert result.ok
    assert sum(moved) > 100_013


def test_a_folder_marker_without_an_entry_is_no_absent_file(tmp_path: Path) -> None:
    marker = MISSING | {"file_id": None, "key": "downloads/a/", "state": "folder", "reason": None, "size": 0}
    assert result_of(tmp_path / "a.zip", zip_of(FILES, manifest_of(FILES, marker))).absent == ()


def test_every_changed_byte_of_data_is_found(tmp_path: Path) -> None:
    data = zip_of(FILES, manifest_of(FILES))
    at = data.index(b"first content")
    for place in range(at, at + 13):
        result = result_of(tmp_path / "a.zip", data[:place] + b"?" + data[place + 1 :])
        assert result.problems == ("a.txt is broken: Bad CRC-32 for file 'a.txt'",)
        assert not result.ok


@pytest.mark.parametrize(
    ("listed", "problem"),
    [
        ({**FILES, "d.txt": b""}, "d.txt is in the manifest, but not in the ZIP"),
        ({"a.txt": FILES["a.txt"]}, "b/c.txt is in the ZIP, but not in the manifest"),
        ({**FILES, "a.txt": b"short"}, "a.txt has 13 bytes, but 5 in the manifest"),
        ({**FILES, "a.txt": b"other content"}, "a.txt has the CRC-32 "),
    ],
)
def test_entries_that_the_manifest_does_not_describe_are_found(
    tmp_path: Path, listed: dict[str, bytes], problem: str
) -> None:
    (found,) = result_of(tmp_path / "a.zip", zip_of(FILES, manifest_of(listed))).problems
    assert found.startswith(problem)


@pytest.mark.parametrize("manifest", [b"{}", b"[]", b"no json", b'{"job_id": "x", "files": [1]}'])
def test_a_zip_without_a_manifest_is_verified_by_its_crcs_alone(tmp_path: Path, manifest: bytes) -> None:
    result = result_of(tmp_path / "a.zip", zip_of(FILES, manifest))
    assert (result.ok, result.job_id, result.entries) == (True, None, 3)


def test_the_manifest_may_be_in_a_folder_beside_a_file_of_its_name(tmp_path: Path) -> None:
    contents = {**FILES, "MANIFEST.json": b"{}"}
    path = tmp_path / "a.zip"
    path.write_bytes(zip_of(FILES))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("_lorry/MANIFEST.json", manifest_of(contents))
    result = verify(path)
    assert (result.ok, result.job_id, result.entries) == (True, "job-1", 3)


def test_the_manifest_of_an_earlier_zip_is_a_file_like_others(tmp_path: Path) -> None:
    path = tmp_path / "again.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("MANIFEST.json", manifest_of(FILES))
        archive.writestr("later.txt", b"later")
    found = verify(path)
    assert (found.ok, found.job_id, found.entries) == (True, None, 2)


@pytest.mark.parametrize("data", [b"", b"<Error/>", zip_of(FILES)[:-30]])
def test_a_file_that_is_not_a_complete_zip_is_a_problem(tmp_path: Path, data: bytes) -> None:
    (problem,) = result_of(tmp_path / "a.zip", data).problems
    assert problem.startswith("it is not a complete ZIP: ")


def test_a_file_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        verify(tmp_path / "absent.zip")
