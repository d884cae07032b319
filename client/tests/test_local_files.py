"""Checksums of files, and targets that cannot be written to. Parts are tested by `test_transfer`."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest
from support.fake_server import StoredObject

from lorry import TargetUnusable
from lorry.local_files import Existing, md5_of, prepare_folder, require_space

DATA = bytes(range(256)) * 1000


@pytest.mark.parametrize("size", [0, 1, 1000, 256_000])
@pytest.mark.parametrize("part_size", [None, 1000, 100_000, 256_000, 1_000_000])
def test_the_md5_is_that_of_s3(tmp_path: Path, size: int, part_size: int | None) -> None:
    (tmp_path / "file").write_bytes(DATA[:size])
    expected = StoredObject(DATA[:size], part_size=part_size).etag.strip('"').partition("-")[0]
    assert md5_of(tmp_path / "file", part_size=part_size) == expected


def test_an_existing_file_matches_an_object_that_was_uploaded_in_parts(tmp_path: Path) -> None:
    path = tmp_path / "file"
    data = hashlib.shake_128(b"seed").digest(12 << 20)
    path.write_bytes(data)
    for mebibytes in (5, 8):
        stored = StoredObject(data, part_size=mebibytes << 20)
        assert Existing(path, checksum=True).matches(stored.etag)
        assert not Existing(path, checksum=False).matches(stored.etag)
    assert not Existing(path, checksum=True).matches(StoredObject(data[::-1], part_size=5 << 20).etag)
    assert not Existing(path, checksum=True).matches(StoredObject(data, part_size=7 << 20).etag)
    assert not Existing(path, checksum=True).matches(None)


def test_a_folder_is_created_and_left_empty(tmp_path: Path) -> None:
    prepare_folder(tmp_path / "a" / "b")
    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_a_target_that_cannot_be_written_to_is_named_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(TargetUnusable, match=r"cannot write to .*file: it is not a folder"):
        prepare_folder(tmp_path / "file")
    with pytest.raises(TargetUnusable, match="Not a directory"):
        prepare_folder(tmp_path / "file" / "folder")
    with pytest.raises(TargetUnusable, match="/proc/lorry"):
        prepare_folder(Path("/proc/lorry"))


def test_a_disk_that_is_too_small_is_named_with_both_sizes(tmp_path: Path) -> None:
    require_space(tmp_path, 0)
    with pytest.raises(TargetUnusable, match=r"9,223,372,036,854,775,807 bytes are needed, but only [\d,]+ are free"):
        require_space(tmp_path, 2**63 - 1)
    assert shutil.disk_usage(tmp_path).free > 0
