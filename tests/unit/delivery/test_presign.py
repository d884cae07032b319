"""The name that a link tells a browser to save under."""

from __future__ import annotations

from urllib.parse import unquote

import pytest

from chalicelib.delivery.presign import content_disposition


@pytest.mark.parametrize(
    ("filename", "fallback"),
    [
        ("report.pdf", "report.pdf"),
        (".env", ".env"),
        ("zoë.txt", "zoe.txt"),
        ("℀.txt", "a_c.txt"),
        ("日本語.txt", "download.txt"),
        ("日本語", "download"),
        ("\uff0e\uff0e", "download"),
    ],
)
def test_the_name_for_old_browsers_is_safe_too(filename: str, fallback: str) -> None:
    kind, plain, *full = content_disposition(filename, inline=False).split("; ")
    assert (kind, plain) == ("attachment", f'filename="{fallback}"')
    assert [unquote(name.removeprefix("filename*=UTF-8''")) for name in full] == [filename] * (fallback != filename)
