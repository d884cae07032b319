"""docs/limits.md: the constants of chalicelib.limits with their comments, and the answer of GET /v1/limits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from chalicelib import limits
from chalicelib.api.documents import limits_document
from chalicelib.settings import SETTINGS, Settings

_SECTION = re.compile(r"# --- (?P<title>[^:]+?)(?:: (?P<source>.*?))? -*$")
_CONSTANT = re.compile(r"(?P<name>[A-Z][A-Z0-9_]+) = [^#]*(?:# (?P<note>.*))?$")
_UNITS = ((limits.TiB, "TiB"), (limits.GiB, "GiB"), (limits.MiB, "MiB"), (limits.KiB, "KiB"))
_PERIODS = ((86_400, "d"), (3_600, "h"))


def limits_page(notice: str) -> str:
    """One table for each section of chalicelib/limits.py."""
    told = msgspec.json.format(msgspec.json.encode(limits_document(_defaults())), indent=2).decode()
    return "\n".join(
        [
            "# Limits",
            notice,
            "`GET /v1/limits` tells those that a client meets, as the deployment is set. With the default settings:\n",
            f"```json\n{told}\n```\n",
            "All of them, other people's first; names are those of `chalicelib/limits.py`.",
            *_tables(Path(limits.__file__).read_text(encoding="utf-8")),
            "",
        ]
    )


def _tables(code: str) -> Iterator[str]:
    for line in code.splitlines():
        if section := _SECTION.match(line):
            source = f"\nSource: `{section['source']}`\n" if section["source"] else ""
            yield f"\n## {section['title']}\n{source}\n| name | value | |\n|---|---|---|"
        elif constant := _CONSTANT.match(line):
            name = constant["name"]
            yield f"| `{name}` | {_shown(name, getattr(limits, name))} | {constant['note'] or ''} |"


def _shown(name: str, value: int) -> str:
    if "BYTES" in name:
        return next((f"{value // size:,} {unit}" for size, unit in _UNITS if value % size == 0), f"{value:,} bytes")
    if name.endswith("SECONDS"):
        return next((f"{value // size} {unit}" for size, unit in _PERIODS if value % size == 0), f"{value:,} s")
    return f"{value:,}"


def _defaults() -> Settings:
    """The settings of a deployment that names only what it must."""
    required = {setting.name: "-" for setting in SETTINGS if setting.required}
    return Settings.from_environment({**required, "ALLOW_ANONYMOUS": "true"})
