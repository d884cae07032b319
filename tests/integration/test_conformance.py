"""The API on the wire against its own OpenAPI document: schemathesis sends what is valid and what is not.

It looks for undocumented statuses, headers, content types and bodies, for valid requests that are refused, for invalid
ones that are served, for methods without 405, and for crashes: by single calls, and along the links of answers.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from chalicelib.api.operations import OPERATIONS
from tests.integration.stack import RunningStack, running_stack

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
MANY = "10000000"
PARAMETERS = {"RateLimitMaxRequests": MANY, "RateLimitStreamRequests": MANY, "StreamWaitSeconds": "0"}
DEADLINE = 300.0


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """A stack on which nobody calls too often; the files of the document's examples are there."""
    with running_stack(tmp_path_factory.mktemp("conformance"), parameters=PARAMETERS) as running:
        running.put_files(range(70_000, 70_002))
        yield running


def test_the_api_is_what_its_document_says(stack: RunningStack, tmp_path: Path) -> None:
    document = tmp_path / "openapi.json"  # from its address, schemathesis would leave out the operation that serves it
    document.write_bytes(httpx.get(f"{stack.url}/openapi").content)
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(HERE / "schemathesis.toml")]
    command += ["run", str(document), "--url", stack.url, "--max-examples", "15", "--seed", "1"]
    command += ["--max-redirects", "0", "--continue-on-failure", "--no-color"]
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "tests.integration.conformance_hooks", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=DEADLINE, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Tested: {len(OPERATIONS)}" in done.stdout, done.stdout
