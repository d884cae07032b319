"""File names from keys; parts."""

from __future__ import annotations

import pytest

from lorry import FileOutcome
from lorry.local_files import MAX_NAME_BYTES, Names, safe_name


def outcome(index: int, key: str | None) -> FileOutcome:
    return FileOutcome(index=index, id=70000 + index, key=key, state="available")


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("downloads/70000.zip", "70000.zip"),
        ("70000.zip", "70000.zip"),
        ("a/b/été 1.zip", "été 1.zip"),
        ("a/", "a"),
        ("a/..", "_"),
        ("a/.", "_"),
        ("", "_"),
        ("a/.hidden", "_hidden"),
        ("a/con.zip", "_con.zip"),
        ("a/COM1", "_COM1"),
        ("a/console.zip", "console.zip"),
        ("a/x:y|z?.zip", "x_y_z_.zip"),
        ("a/nul\x00l.zip", "nul_l.zip"),
        ("a/trailing. .", "trailing"),
        ("a/b.part", "b.part_"),
        ("a/b.part.etag", "b.part.etag_"),
        ("a/con.part", "_con.part_"),
        ("a/\udcff.zip", "?.zip".replace("?", "_")),
    ],
)
def test_a_name_is_the_last_segment_made_safe(key: str, name: str) -> None:
    assert safe_name(key) == name


@pytest.mark.parametrize("key", ["é" * 400 + ".zip", "a" * 400, "a." + "b" * 400])
def test_long_names_are_cut_before_their_extension(key: str) -> None:
    name = safe_name(key)
    assert len(name.encode()) <= MAX_NAME_BYTES
    assert name.endswith(".zip") == key.endswith(".zip")


def test_names_are_unique_and_the_same_on_every_run() -> None:
    keys = ["a/x.zip", "b/x.zip", "c/X.zip", "d/x-1.zip", "e/x", "f/x", None, "g/x-1.zip"]
    runs = []
    for _ in range(2):
        names = Names()
        runs.append([names.name_for(outcome(index, key)) for index, key in enumerate(keys)])
    assert runs[0] == runs[1]
    assert len({name.casefold() for name in runs[0]}) == len(keys)
    assert runs[0][:3] == ["x.zip", "x-1.zip", "X-2.zip"]
