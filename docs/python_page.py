"""The page of the Python client, from the docstrings of everything that `lorry` exports."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import lorry

INTRODUCTION = """Generated from the docstrings of `import lorry`. [client/README.md](../client/README.md) has examples,
what you can rely on, and the `lorry` command.
"""
CLIENTS = ("Lorry", "AsyncLorry")  # first on the page
LEFT_OUT = frozenset({"__version__", "webhooks", "Token"})  # what is neither a class nor a function


def python_page(notice: str) -> str:
    """One section for each class and function."""
    names = [*CLIENTS, *sorted(set(lorry.__all__) - {*CLIENTS} - LEFT_OUT)]
    lines = ["# The Python client", notice, INTRODUCTION]
    for name in names:
        lines += _section(name, getattr(lorry, name))
    lines += _section("webhooks.verify", lorry.webhooks.verify)
    return "\n".join(lines).rstrip() + "\n"


def _section(name: str, value: Any) -> Iterator[str]:
    yield f"## {name}\n"
    base = value.__bases__[0] if inspect.isclass(value) else object
    if base.__module__.startswith("lorry."):
        yield f"A `{base.__name__}`.\n"
    yield from _signature(value)
    yield f"{inspect.getdoc(value)}\n"
    constructor = vars(value).get("__init__") if inspect.isclass(value) else None
    if constructor is not None and constructor.__doc__:
        yield f"{inspect.getdoc(constructor)}\n"
    if inspect.isclass(value):
        yield from _members(value)


def _members(kind: type) -> Iterator[str]:
    """The properties, then the methods."""
    properties = [f"- `{name}`: {inspect.getdoc(p)}" for name, p in vars(kind).items() if isinstance(p, property)]
    yield from [*properties, ""] if properties else []
    for name, member in vars(kind).items():
        if inspect.isfunction(member) and not name.startswith("_"):
            yield f"### {kind.__name__}.{name}\n"
            yield from _signature(member)
            yield f"{inspect.getdoc(member)}\n"


def _signature(value: Any) -> Iterator[str]:
    try:
        signature = inspect.signature(value)
    except ValueError:  # an exception without values
        return
    parameters = [
        parameter.replace(annotation=_Text(parameter.annotation))
        for parameter in signature.parameters.values()
        if parameter.name != "self"
    ]
    returned = signature.empty if inspect.isclass(value) else _Text(signature.return_annotation)
    shown = signature.replace(parameters=parameters, return_annotation=returned)
    prefix = "async " if inspect.iscoroutinefunction(value) else ""
    yield f"```py\n{prefix}{value.__name__}{shown}\n```\n"


class _Text:
    """An annotation that is shown as it is written."""

    def __init__(self, text: Any) -> None:
        self._text = str(text)

    def __repr__(self) -> str:
        return self._text
