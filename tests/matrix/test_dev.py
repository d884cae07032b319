"""`make dev` itself: it restarts when a file is saved, and names a wrong setting instead of starting."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import httpx

from localstack.home import REPOSITORY
from tests.integration.stack import wait_for
from tests.matrix import dev_process
from tests.matrix.conftest import QUICK


def test_a_saved_file_restarts_the_process(ministack: str, tmp_path: Path) -> None:
    with dev_process.running(ministack, tmp_path, QUICK, reload=True) as running:
        log = tmp_path / "dev.log"
        assert log.read_text().count("Serving on") == 1
        os.utime(REPOSITORY / "app.py")
        wait_for("second start", lambda: log.read_text().count("Serving on") == 2, seconds=30, pause=0.2)
        wait_for("API", lambda: httpx.get(f"{running.url}/health", timeout=10).status_code == 200, seconds=30)


def test_a_wrong_setting_stops_it_at_the_start_with_its_name(ministack: str, tmp_path: Path) -> None:
    environment = {**os.environ, "AWS_ENDPOINT_URL": ministack, "LORRY_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "localstack.dev", "--no-reload", "--port", "1"],
        cwd=REPOSITORY,
        env={**environment, "S3_FORCE_PATH_STYLE": "yes"},
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("make dev: ")
    assert "'S3ForcePathStyle' value 'yes'" in done.stderr
