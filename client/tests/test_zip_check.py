"""What counts as a whole ZIP: the archives of the standard library do, and nothing that is cut or spoilt."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from zips import zip_of

from lorry.zip_check import NotAZip, count_entries

SMALL = zip_of({"a.txt": b"aaa", "é/b.txt": b"b" * 1000})


def refusal(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    with pytest.raises(NotAZip) as raised:
        count_entries(path)
    return str(raised.value)


def zip_with_comment(comment: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("a", b"a")
        archive.comment = comment
    return made.getvalue()


@pytest.mark.parametrize(
    ("data", "entries"),
    [(SMALL, 3), (zip_of({}), 1), (zip_with_comment(b"x" * 60_000), 1), (b"PK\x05\x06" + bytes(18), 0)],
)
def test_entries_are_counted(tmp_path: Path, data: bytes, entries: int) -> None:
    (tmp_path / "a.zip").write_bytes(data)
    assert count_entries(tmp_path / "a.zip") == entries


def test_zip64_records_are_read_and_memory_does_not_grow_with_the_entries(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as archive:
        for number in range(66_000):
            archive.writestr(zipfile.ZipInfo(str(number)), b"")
    tracemalloc.start()
    assert count_entries(tmp_path / "many.zip") == 66_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def test_the_zip64_records_count_where_there_are_any(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 100)
    data = zip_of({"a.txt": b"a" * 1000})
    assert b"PK\x06\x07" in data
    (tmp_path / "a.zip").write_bytes(data)
    assert count_entries(tmp_path / "a.zip") == 2
    assert "ZIP64 end record is not where" in refusal(tmp_path / "b.zip", data.replace(b"PK\x06\x06", b"PK\x06\x00"))


def test_an_archive_that_is_cut_anywhere_is_refused(tmp_path: Path) -> None:
    for length in range(len(SMALL)):
        refusal(tmp_path / "a.zip", SMALL[:length])


@pytest.mark.parametrize("lost", [1, 100])
def test_an_archive_that_lost_bytes_in_the_middle_is_refused(tmp_path: Path, lost: int) -> None:
    assert "not where its end record says" in refusal(tmp_path / "a.zip", SMALL[:200] + SMALL[200 + lost :])


def test_a_directory_that_does_not_hold_what_its_end_says_is_refused(tmp_path: Path) -> None:
    spoilt = SMALL.replace(b"PK\x01\x02", b"PK\x01\x00")
    assert "breaks off after 0 of 3 entries" in refusal(tmp_path / "a.zip", spoilt)
    at = SMALL.rindex(b"PK\x05\x06") + 10
    assert "breaks off after 3 of 4" in refusal(tmp_path / "a.zip", SMALL[:at] + b"\x04" + SMALL[at + 1 :])
    assert "more than its 2 entries" in refusal(tmp_path / "a.zip", SMALL[:at] + b"\x02" + SMALL[at + 1 :])


@pytest.mark.parametrize("data", [b"", b"PK\x05\x06", b"<Error/>" * 100])
def test_something_else_is_refused(tmp_path: Path, data: bytes) -> None:
    assert refusal(tmp_path / "a.zip", data) == "it has no end record"
