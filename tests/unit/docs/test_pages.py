"""Every link of the pages leads somewhere, every route, target and metric is listed, and commands can be copied."""

from __future__ import annotations

import ast
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from chalicelib.assembly.worker import Built
from chalicelib.checking.checker import Checked
from chalicelib.delivery.webhooks import Delivery
from tests.support import pages

DOCS = pages.ROOT / "docs"
FRONT = [
    pages.ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")
]
EXAMPLES = pages.ROOT / "examples" / "README.md"
LINKED = [*sorted(DOCS.rglob("*.md")), *FRONT, EXAMPLES]
OBSERVABILITY = "chalicelib.observability"

# Why no test runs a block, by the word behind `sh`. tests/e2e runs all others.
NOT_RUN = {"aws": "needs an account", "by-hand": "runs until it is stopped", "docker": "needs Docker"}


def relative(page: Path) -> str:
    return page.relative_to(DOCS).as_posix()


@pytest.mark.parametrize("page", LINKED, ids=lambda page: page.relative_to(pages.ROOT).as_posix())
def test_a_block_of_commands_is_run_or_says_why_not(page: Path) -> None:
    for block in pages.blocks(page):
        if block.info[:1] == ("sh",):
            assert {*block.info[1:]} <= NOT_RUN.keys(), block.info


@pytest.mark.parametrize("page", LINKED, ids=lambda page: page.relative_to(pages.ROOT).as_posix())
def test_every_target_that_is_named_exists(page: Path) -> None:
    named = re.findall(r"(?:^|`|\| )make ([a-z][a-z-]+)", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(named) <= targets()


@pytest.mark.parametrize("page", LINKED, ids=lambda page: page.relative_to(pages.ROOT).as_posix())
def test_commands_can_be_copied(page: Path) -> None:
    for block in pages.blocks(page):
        assert block.info[:1] != ("console",), f"commands and output are mixed in {block.body}"
        assert not re.search(r"^\$ ", block.body, re.MULTILINE), block.body


# --- links ------------------------------------------------------------------------------

_LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^()\s]+)\)")


def links(page: Path) -> Iterator[str]:
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    return (match["target"] for match in _LINK.finditer(text))


def anchors(page: Path) -> set[str]:
    """Of its headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


ACTIONS = "../../actions/workflows/"


@pytest.mark.parametrize("page", LINKED, ids=lambda page: page.relative_to(pages.ROOT).as_posix())
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in links(page):
        path, _, anchor = target.partition("#")
        if "://" in target:
            continue
        if target.startswith(ACTIONS):  # where the repository is served, not a file of it
            path = f".github/workflows/{target.removeprefix(ACTIONS).removesuffix('/badge.svg')}"
        place = (page.parent / path).resolve() if path else page
        assert place.exists(), f"{target} does not exist"
        assert not anchor or anchor in anchors(place), f"{target}: there is no such heading"


def test_every_page_is_in_the_table_of_contents() -> None:
    listed = {(DOCS / target.partition("#")[0]).resolve() for target in links(DOCS / "README.md")}
    unlisted = {relative(page) for page in DOCS.rglob("*.md") if page.resolve() not in listed}
    assert {page for page in unlisted if not page.startswith("adr/")} == {"README.md"}


def test_every_decision_has_a_number_of_its_own_and_is_listed_with_its_title() -> None:
    records = sorted((DOCS / "adr").glob("0*.md"))
    titles = [record.read_text(encoding="utf-8").partition("\n")[0] for record in records]
    listed = [
        f"- [{record.name[:4]}]({record.name}) {title.partition('. ')[2]}"
        for record, title in zip(records, titles, strict=True)
    ]
    assert [title.partition(". ")[0] for title in titles] == [f"# {int(record.name[:4])}" for record in records]
    assert len({record.name[:4] for record in records}) == len(records)
    assert [line for line in (DOCS / "adr" / "README.md").read_text().splitlines() if line.startswith("- ")] == listed


def test_the_text_of_the_react_page_is_the_file() -> None:
    shown = [block.body for block in pages.blocks(DOCS / "how-to" / "react.md") if block.info == ("tsx",)]
    assert shown == [(DOCS / "how-to" / "react" / "DownloadButton.tsx").read_text()]


# --- lists ------------------------------------------------------------------------------


def test_the_page_of_the_api_lists_every_operation() -> None:
    document = json.loads((DOCS / "openapi.json").read_text())
    listed = re.findall(r"^\| `([A-Z]+) (\S+)` \|", (DOCS / "api.md").read_text(), re.MULTILINE)
    declared = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    parts = {("GET", path) for path in ("/docs/{asset}", "/dashboard/{part}", "/dashboard/jobs/{page}")}
    assert {(method, path) for method, path in declared if method in ("GET", "POST", "DELETE")} - parts == set(listed)


def test_the_page_of_targets_lists_every_target_and_no_other() -> None:
    listed = set(re.findall(r"^\| `make ([a-z-]+)", (DOCS / "make.md").read_text(), re.MULTILINE))
    assert listed == targets()


def test_every_place_that_the_map_names_exists() -> None:
    rows = re.findall(r"^\| .+ \| (.+) \|$", (pages.ROOT / "ARCHITECTURE.md").read_text(), re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`([\w./-]+(?:\.(?:py|yaml|lock)|/))`", row)}
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=pages.ROOT, check=True, capture_output=True, text=True).stdout.split()
    assert len(named) > 50
    assert not {name for name in named if not any(f"/{path}".find(f"/{name}") >= 0 for path in listed)}


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):.*## ", (pages.ROOT / "Makefile").read_text(), re.MULTILINE))


# --- metrics ----------------------------------------------------------------------------

# What stands behind the f-strings of names.
OUTCOMES = {"Batches": (Checked,), "Assembly": (Built, Checked), "Webhooks": (Delivery,)}


def counted() -> set[str]:
    """The names that the code counts."""
    return {name for path in (pages.ROOT / "chalicelib").rglob("*.py") for name in _counted_in(path)}


def _counted_in(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module == OBSERVABILITY]
    if not any(alias.name == "count" for node in imported for alias in node.names):
        return
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if isinstance(call.func, ast.Name) and call.func.id == "count":
            yield from _names(call.args[0], tree)


def _names(argument: ast.expr, tree: ast.Module) -> Iterator[str]:
    if isinstance(argument, ast.Constant):
        yield str(argument.value)
    elif isinstance(argument, ast.JoinedStr):
        (prefix, _) = argument.values
        start = str(ast.literal_eval(prefix))
        yield from (f"{start}{outcome.capitalize()}" for kind in OUTCOMES[start] for outcome in kind)
    else:
        yield from _handed_on(ast.unparse(argument), tree)


def _handed_on(parameter: str, tree: ast.Module) -> Iterator[str]:
    """What the module's own calls give by name for a parameter of this name."""
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    takers = {function.name for function in functions if parameter in [found.arg for found in function.args.kwonlyargs]}
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if isinstance(call.func, ast.Name) and call.func.id in takers:
            yield from (str(ast.literal_eval(given.value)) for given in call.keywords if given.arg == parameter)


def test_the_page_of_metrics_names_what_the_code_counts() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| [\w ]+ \| .+ \|$", (DOCS / "metrics.md").read_text(), re.MULTILINE)
    assert [name for name, _ in rows] == list(dict.fromkeys(name for name, _ in rows))
    assert {name for name, _ in rows} == counted()
    assert {unit for _, unit in rows} == {"Count"}
