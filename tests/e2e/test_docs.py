"""Every command of the pages in docs/ works. What their text must hold: tests/unit/docs/test_pages.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.stack import free_port
from tests.support import pages

DOCS = pages.ROOT / "docs"
KINDS = ("", ".grpc")
PAGES = [page for page in sorted(DOCS.rglob("*.md")) if pages.commands(page)]

# Ports that pages name, for those of the test.
API_PORT, STORE_PORT = "127.0.0.1:4566", "8333"
WEED = "weed mini"


def script(page: Path, port: int) -> str:
    """The page's commands, on ports of the test's own."""
    store = free_port()
    text = "\n".join(block.body for block in pages.blocks(page) if block.info == ("sh",))
    text = text.replace(API_PORT, f"127.0.0.1:{port}").replace(WEED, f"{WEED} {out_of_the_way()}")
    return text.replace(f"127.0.0.1:{STORE_PORT}", f"127.0.0.1:{store}").replace(f"={STORE_PORT}", f"={store}")


def out_of_the_way() -> str:
    """Ports for what SeaweedFS opens beside its store, so that a second one on this machine can start."""
    services = [
        f"-{name}.port{kind}={free_port()}" for name in ("master", "volume", "filer", "admin") for kind in KINDS
    ]
    return " ".join(
        [*services, f"-s3.port.grpc={free_port()}", "-s3.port.iceberg=0", "-s3.port.lance=0", "-webdav=false"]
    )


@pytest.mark.integration
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
@pytest.mark.slow
def test_every_command_of_the_page_works(page: Path, tmp_path: Path) -> None:
    port = free_port()
    pages.run(script(page, port), pages.checkout(tmp_path), port=port)
