from __future__ import annotations

import re
import sys
from collections import Counter
from contextlib import contextmanager

import pytest

from chalicelib.api.requests import FILENAME_PATTERN
from chalicelib.archive.names import REPEATED, Naming, folder_name, safe_name, safe_segment, settle
from lorry.names import safe_name as local_name
from tests.support.archives import names_of, unique_names


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a/b.txt", "a/b.txt"),
        ("/etc/passwd", "etc/passwd"),
        ("../../x", "_/_/x"),
        ("a/../b", "a/_/b"),
        ("./a//b/", "a/b"),
        ("C:\\Windows\\x", "C__Windows_x"),
        ("C:/x", "C_/x"),
        ("a\\b", "a_b"),
        ("what?.txt", "what_.txt"),
        ("file.txt:stream", "file.txt_stream"),
        ("tab\there\n", "tab_here_"),
        ("\x7f\x85", "__"),
        ("dots...", "dots"),
        ("spaces  ", "spaces"),
        ("mixed. . ", "mixed"),
        ("CON", "_CON"),
        ("nul.tar.gz", "_nul.tar.gz"),
        ("com1 .txt", "_com1 .txt"),
        ("lpt¹", "_lpt¹"),
        ("CONIN$", "_CONIN$"),
        ("console", "console"),
        ("COM10", "COM10"),
        ("", "_"),
        ("...", "_"),
        ("e\u0301", "é"),
        ("gnp\u202egpj.exe", "gnp_gpj.exe"),
        ("half\ud800", "half_"),
        ("日本語/ファイル.txt", "日本語/ファイル.txt"),
        ("👩\u200d👧.png", "👩\u200d👧.png"),
        (".bashrc", ".bashrc"),
        ("a/manifest.json", "a/manifest.json"),
    ],
)
def test_a_path_becomes_safe(path, name):
    assert safe_name(path) == name


def test_a_long_segment_is_cut_to_255_bytes_and_keeps_its_extension():
    name = safe_name("é" * 300 + ".jpeg")

    assert name.endswith(".jpeg")
    assert 200 < len(name.encode()) <= 255


def test_a_segment_of_exactly_255_bytes_stays():
    assert safe_name("x" * 255) == "x" * 255


def test_a_path_past_the_name_field_keeps_its_last_segments():
    name = safe_name("/".join(["d" * 200] * 400 + ["last.txt"]))

    assert name.endswith("/last.txt")
    assert 65_000 < len(name.encode()) <= 65_535


def test_flat_takes_the_last_segment_and_tree_the_path_below_the_prefix():
    keys = ["downloads/2024/a.txt", "downloads/b.txt"]

    assert names_of(keys, Naming.FLAT) == ["a.txt", "b.txt"]
    assert names_of(keys, Naming.TREE, prefix="downloads/") == ["2024/a.txt", "b.txt"]
    assert names_of(keys, Naming.TREE) == keys


def test_a_prefix_that_ends_inside_a_name_does_not_cut_the_name():
    assert names_of(["downloads/report-1.pdf"], Naming.TREE, prefix="downloads/rep") == ["report-1.pdf"]


@pytest.mark.parametrize(
    ("names", "unique"),
    [
        (["a.txt", "a.txt", "a.txt"], ["a.txt", "a (2).txt", "a (3).txt"]),
        (["a.txt", "A.TXT"], ["a.txt", "A (2).TXT"]),
        (["a", "a", "a (2)"], ["a", "a (3)", "a (2)"]),
        (["a", "a/b"], ["a (2)", "a/b"]),
        (["A/b", "a", "a (2)/c"], ["A/b", "a (3)", "a (2)/c"]),
        (["x/a.txt", "y/a.txt"], ["x/a.txt", "y/a.txt"]),
        (["straße", "STRASSE"], ["straße", "STRASSE (2)"]),
        (["é", "é".upper()], ["é", "É (2)"]),
        (["ab", "a\u200db"], ["ab", "a\u200db (2)"]),
        (["MANIFEST.json"], ["MANIFEST.json"]),
        (["manifest.JSON", "Manifest.json"], ["manifest.JSON", "Manifest (2).json"]),
        ([".env", ".env"], [".env", ".env (2)"]),
        (["a.tar.gz", "a.tar.gz"], ["a.tar.gz", "a.tar (2).gz"]),
        ([], []),
    ],
)
def test_names_that_clash_are_counted_up(names, unique):
    assert unique_names(names) == unique


@pytest.mark.parametrize(
    ("names", "manifest"),
    [
        ([], "MANIFEST.json"),
        (["a", "x/MANIFEST.json", "MANIFEST.json.txt"], "MANIFEST.json"),
        (["manifest.JSON"], "_lorry/MANIFEST.json"),
        (["MANIFEST.json/a"], "_lorry/MANIFEST.json"),
        (["\uff2dANIFEST.json"], "_lorry/MANIFEST.json"),  # full width: equal in compatible form
        (["MANIFEST.json", "_lorry/a"], "_lorry/MANIFEST.json"),
        (["MANIFEST.json", "_LORRY/manifest.json"], "_lorry (2)/MANIFEST.json"),
        (["MANIFEST.json", "_lorry/manifest.json/a"], "_lorry (2)/MANIFEST.json"),
        (["MANIFEST.json", "_lorry", "_Lorry (2)"], "_lorry (3)/MANIFEST.json"),
    ],
)
def test_the_manifest_gives_way_to_files(names, manifest):
    counted, found = settle(enumerate(names), names.__getitem__)

    assert (counted, found) == ({}, manifest)


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("downloads/a/", "a/"),
        ("downloads/a//b/", "a/b/"),
        ("downloads/../", "_/"),
        ("downloads/con/", "_con/"),
        ("downloads/", ""),
        ("downloads//./", ""),
    ],
)
def test_a_marker_becomes_a_folder(key, name):
    assert folder_name(key, "downloads/") == name


def test_a_folder_has_one_entry_and_files_give_way_to_it():
    names = ["a", "a/", "A/", "b/c/", "b/c", "b"]

    assert settle(enumerate(names), names.__getitem__)[0] == {0: 2, 2: REPEATED, 4: 2, 5: 2}


def test_a_counted_name_still_fits_into_a_segment():
    first, second = unique_names(["x" * 255, "x" * 255])

    assert first == "x" * 255
    assert second.endswith(" (2)")
    assert len(second.encode()) <= 255


TRAPS = {
    "equal names": lambda count: ["same.txt"] * count,
    "every counter taken": lambda count: ["a"] * (count // 2) + [f"a ({n})" for n in range(2, count // 2)],
    "long names cut to the same": lambda count: ["x" * 240 + f"{n:015}" for n in range(count // 2)] * 2,
    "deep folders": lambda count: [f"{n}/" + "d/" * 50 + "f" for n in range(count // 20)],
    "a folder like every file": lambda count: [*map(str, range(count // 2)), *(f"{n}/x" for n in range(count // 2))],
}


@pytest.mark.parametrize("trap", TRAPS.values(), ids=TRAPS.keys())
def test_twice_as_many_names_made_to_be_slow_are_twice_the_work(trap):
    def steps(count):
        names = trap(count)
        with lines_counted() as lines:
            assert len(set(unique_names(names))) == len(names)
        return lines.total()

    assert steps(8_000) < 2.5 * steps(4_000)


@contextmanager
def lines_counted():
    """Counts lines of Python that are run in here, whatever time they take."""
    lines: Counter[str] = Counter()
    before = sys.gettrace()

    def count(_frame, event, _argument):
        lines[event] += 1
        return count

    sys.settrace(count)
    try:
        yield lines
    finally:
        sys.settrace(before)


def test_names_in_the_zip_and_on_disk_and_of_archives_refuse_the_same_characters():
    every = [chr(code) for code in range(0x10000) if not 0xD800 <= code <= 0xDFFF]
    refused = [character for character in every if safe_segment(f"a{character}b") == "a_b" and character != "_"]
    on_disk = [character for character in every if local_name(f"a{character}b") == "a_b" and character != "_"]
    assert refused == on_disk
    in_filenames = [character for character in every if not re.search(FILENAME_PATTERN, f"a{character}b")]
    assert set(refused) - set(in_filenames) == set('<>:"|?*\ufffe\uffff')
    assert set(in_filenames) <= {*refused, "/"}


@pytest.mark.parametrize("filename", ["a.zip\n", "a\u202egpj.zip", "a\x9b.zip", "a\u2029.zip"])
def test_a_filename_that_deceives_is_refused(filename):
    assert not re.search(FILENAME_PATTERN, filename)
