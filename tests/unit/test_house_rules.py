"""Rules of CONTRIBUTING that ruff cannot check, over the tests themselves."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.pages import ROOT

PATCHES = ("unittest.mock", "pytest_mock")
PATCHED_BY = ("setattr", "delattr", "setitem", "delitem")  # of pytest's monkeypatch; variables and folders are no patch


def sources() -> Iterator[Path]:
    """Yields the modules of every suite and of what supports it."""
    for folder in ("tests", "client/tests"):
        yield from sorted((ROOT / folder).rglob("*.py"))


def patches(source: str) -> list[int]:
    """Returns the lines that patch something, or import what patches."""
    nodes = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.stmt | ast.expr))
    return [node.lineno for node in nodes if _patches(node)]


def _patches(node: ast.AST) -> bool:
    match node:
        case ast.Import(names=names):
            return any(name.name.startswith(PATCHES) for name in names)
        case ast.ImportFrom(module=str(module), names=names):
            return any(f"{module}.{name.name}".startswith(PATCHES) for name in names)
        case ast.Call(func=ast.Attribute(value=ast.Name(), attr=name)):
            return name in PATCHED_BY
        case _:
            return False


@pytest.mark.parametrize(
    "line",
    [
        "import unittest.mock",
        "from unittest import mock",
        "from unittest.mock import patch",
        "monkeypatch.setattr(module, 'name', value)",
        "with monkeypatch.context() as patch: patch.setitem(table, 'key', 1)",
    ],
)
def test_a_patch_is_recognized(line: str) -> None:
    assert patches(f"x = 1\n{line}\n") == [2]


def test_no_test_patches_anything() -> None:
    found = [f"{path.relative_to(ROOT)}:{line}" for path in sources() for line in patches(path.read_text())]
    assert len(list(sources())) > 200
    assert not found, "pass a fake of tests/support in; nothing is patched"
