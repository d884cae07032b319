"""The client gives the files of a job the names that they have in the job's ZIP."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.archive.names import Naming
from lorry import FileOutcome
from lorry.names import Names
from tests.support.archives import names_of

# Equal by case, by Unicode form, by invisible characters; counted already; cut; refused by Windows; folders and files.
# Not `_lorry`: its counter depends on where the manifest goes.
SEGMENTS = st.sampled_from(
    [
        *("a", "A", "\uff21", "a\u200b", "a (2)", "A (3)", "a.txt", "A.TXT", "a (2).txt", "a (3).txt", "a.b c", ".a"),
        *("e\u0301", "\u00e9", "CON", "con .txt", "CLOCK$", "COM\u00b9.txt", "x:y", "x_y", "x?y", "..", ".", "", "a. "),
        *("z" * 255, "z" * 300, "z" * 300 + "y", "z" * 250 + ".txt", "\u00e9" * 130, "MANIFEST.json"),
    ]
)
KEYS = st.lists(
    st.lists(SEGMENTS, min_size=1, max_size=3).map("/".join).filter(lambda key: key and not key.endswith("/")),
    min_size=1,
    max_size=25,
    unique=True,
)


@given(KEYS, st.sampled_from(Naming))
def test_names_on_the_disk_are_those_of_the_zip(keys: list[str], naming: Naming) -> None:
    names = Names(tree=naming is Naming.TREE)
    files = [FileOutcome(index, None, key, "available") for index, key in enumerate(keys)]
    names.survey(files)
    assert [names.path_for(file) for file in files] == names_of(keys, naming)
