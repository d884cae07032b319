"""AWS's own DynamoDB Local by itself, in memory.

    with dynamodb_local.running(folder) as endpoint:
        boto3.client("dynamodb", endpoint_url=endpoint)

It listens on all addresses (it has no option for that), under a port that is free at that moment.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from tests.integration.stack import free_port
from tests.matrix import installing

READY_SECONDS = 60.0


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """Its address. Its log is in `folder`."""
    emulator, port = installing.dynamodb_local(), free_port()
    library = f"-Djava.library.path={emulator / 'DynamoDBLocal_lib'}"
    jar = ["-jar", str(emulator / "DynamoDBLocal.jar")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [installing.java(), library, *jar, "-inMemory", "-port", str(port), "-disableTelemetry"],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    endpoint = f"http://127.0.0.1:{port}"
    try:
        _await_ready(endpoint, process, folder / "log")
        yield endpoint
    finally:
        process.kill()
        process.wait()


def _await_ready(endpoint: str, process: subprocess.Popen[bytes], log: Path) -> None:
    config = Config(connect_timeout=1, read_timeout=5, retries={"total_max_attempts": 1})
    client = boto3.client("dynamodb", endpoint_url=endpoint, config=config)
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            client.list_tables()
            return
        except BotoCoreError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"DynamoDB Local is not ready:\n{log.read_text()[-2000:]}") from None
            time.sleep(0.1)
