from __future__ import annotations

import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.archive.entries import Entry
from chalicelib.archive.names import Naming, folded, safe_name
from chalicelib.archive.volumes import Brief
from tests.support.archives import names_of, planned, unique_names

NASTY = st.sampled_from(
    [
        "a",
        "A",
        "a.txt",
        "A.TXT",
        "..",
        ".",
        "",
        "a ",
        "a.",
        "con",
        "NUL.txt",
        "é",
        "e\u0301",
        "ß",
        "SS",
        "MANIFEST.json",
    ]
)
SEGMENTS = st.one_of(NASTY, st.text(max_size=8), st.text("aAb./ \\:é\u0301\ud800", max_size=8))
PATHS = st.lists(SEGMENTS, min_size=1, max_size=4).map("/".join)
KEYS = st.lists(PATHS, max_size=25)


@settings(max_examples=400, deadline=None)
@given(keys=KEYS, naming=st.sampled_from(Naming))
def test_no_two_names_are_equal_to_any_file_system_and_none_is_another_ones_folder(keys, naming):
    names = names_of(keys, naming)

    for form in (folded, str.casefold, str.lower, str.upper, lambda n: unicodedata.normalize("NFD", n)):
        forms = [form(name) for name in names]
        assert len(set(forms)) == len(keys)
    folders = {folded(name)[:at] for name in names for at, char in enumerate(folded(name)) if char == "/"}
    assert not folders & {folded(name) for name in names}


@settings(max_examples=400, deadline=None)
@given(keys=KEYS, folders=st.sets(st.integers(0, 24)), naming=st.sampled_from(Naming))
def test_nor_is_that_of_a_folder_marker_or_of_the_manifest(keys, folders, naming):
    entries = [
        Entry(f"{key}/", state="folder", size=0) if row in folders else Entry(key, size=1)
        for row, key in enumerate(keys)
    ]
    volume = planned(entries, brief=Brief("job-1", 0, naming)).volume
    names = [volume.member(number).name for number in range(volume.sources + 1)]

    files = [folded(name) for name in names if not name.endswith("/")]
    marked = [folded(name) for name in names if name.endswith("/")]
    assert len(set(files)) == len(files)
    assert len(set(marked)) == len(marked)
    assert naming is Naming.TREE or not marked
    assert sum(entry.state == "included" for entry in entries) == len(files) - 1
    assert not set(files) & {name[:at] for name in files + marked for at, char in enumerate(name) if char == "/"}


@settings(max_examples=400, deadline=None)
@given(path=PATHS)
def test_every_name_is_safe_on_every_system(path):
    (name,) = unique_names([safe_name(path)])

    assert 0 < len(name.encode()) <= 65_535
    for segment in name.split("/"):
        assert segment not in ("", ".", "..")
        assert len(segment.encode()) <= 255
        assert segment[-1] not in ". "
        assert not set(segment) & set('<>:"|?*\\')
        assert all(unicodedata.category(char) not in ("Cc", "Cs", "Zl", "Zp") for char in segment)
        assert segment.split(".")[0].rstrip().upper() not in ("CON", "PRN", "AUX", "NUL", "COM1", "LPT9")
        assert unicodedata.is_normalized("NFC", segment)


@settings(max_examples=200, deadline=None)
@given(path=PATHS)
def test_a_safe_name_stays_as_it_is(path):
    once = safe_name(path)

    assert safe_name(once) == once


@settings(max_examples=200, deadline=None)
@given(keys=KEYS)
def test_names_depend_on_nothing_but_the_keys(keys):
    assert names_of(keys, Naming.TREE) == names_of(list(keys), Naming.TREE)
