"""File names from keys, and the patterns that choose files."""

from __future__ import annotations

import pytest

from lorry import FileOutcome
from lorry.names import MAX_NAME_BYTES, Names, is_wanted, safe_name


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
        ("a/.hidden", ".hidden"),
        ("a/...", "_"),
        ("a/x\u2028y\u202ez\u061c.txt", "x_y_z_.txt"),
        ("a/\x85.txt", "_.txt"),
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
    keys = ["a/x.zip", "b/x.zip", "c/X.zip", "d/x (2).zip", "e/x", "f/x", None, "g/x (2).zip"]
    runs = []
    for _ in range(2):
        names = Names()
        runs.append([names.path_for(outcome(index, key)) for index, key in enumerate(keys)])
    assert runs[0] == runs[1]
    assert len({name.casefold() for name in runs[0]}) == len(keys)
    assert runs[0][:3] == ["x.zip", "x (2).zip", "X (3).zip"]


def paths_of(*keys: str, prefix: str = "") -> list[str]:
    names = Names(tree=True, prefix=prefix)
    return [names.path_for(outcome(index, key)) for index, key in enumerate(keys)]


def test_a_tree_keeps_the_folders_of_the_keys_below_the_prefix() -> None:
    keys = ["downloads/a/x.zip", "downloads/b/x.zip", "downloads/top.zip", "other/y"]
    assert paths_of(*keys, prefix="downloads/") == ["a/x.zip", "b/x.zip", "top.zip", "other/y"]
    assert paths_of(*keys, prefix="downloads/a") == ["a/x.zip", "b/x.zip", "top.zip", "other/y"]
    assert paths_of(*keys[:1]) == ["downloads/a/x.zip"]


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("/etc/passwd", "etc/passwd"),
        ("a/../../b", "a/_/_/b"),
        ("a//./b", "a/b"),
        ("..", "_"),
        ("a/con/.ssh/x", "a/_con/.ssh/x"),
        ("a\\b/c:d", "a_b/c_d"),
        ("a.part/b", "a.part_/b"),
    ],
)
def test_no_segment_of_a_tree_leaves_the_folder(key: str, path: str) -> None:
    assert paths_of(key) == [path]


def test_files_and_folders_of_the_same_name_do_not_clash() -> None:
    assert paths_of("a", "a/b", "A/c", "d/e", "d") == ["a", "a_/b", "A_/c", "d/e", "d (2)"]
    assert paths_of("a/x", "A/X", "a/x") == ["a/x", "A/X (2)", "a/x (3)"]


def test_a_file_gives_way_to_a_folder_that_is_known() -> None:
    names = Names(tree=True)
    files = [outcome(index, key) for index, key in enumerate(["a", "A/c", "d/", "e"])]
    names.survey(files)
    assert [names.path_for(file) for file in files] == ["a (2)", "A/c", "d", "e"]


@pytest.mark.parametrize(
    ("key", "pattern", "matches"),
    [
        ("downloads/2024/a.csv", "*.csv", True),
        ("downloads/2024/a.csv", "a.csv", True),
        ("downloads/2024/a.csv", "2024/*", True),
        ("downloads/2024/a.csv", "downloads/*/?.csv", True),
        ("downloads/2024/a.csv", "[ab].csv", True),
        ("downloads/2024/a.csv", "24/*", False),
        ("downloads/2024/a.csv", "*.CSV", False),
        ("downloads/2024/a.csv", "2024", False),
        ("downloads/2024/a.csv", "", False),
    ],
)
def test_a_pattern_matches_a_key_or_its_end(key: str, pattern: str, matches: bool) -> None:
    assert is_wanted(key, include=[pattern], exclude=[]) == matches
    assert is_wanted(key, include=[], exclude=[pattern]) != matches


def test_a_key_must_match_one_included_and_no_excluded_pattern() -> None:
    assert is_wanted("a/b.csv", include=["*.txt", "*.csv"], exclude=["c/*"])
    assert not is_wanted("a/b.csv", include=["*.csv"], exclude=["a/*"])
    assert is_wanted("anything", include=[], exclude=[])
