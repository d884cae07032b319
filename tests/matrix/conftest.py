"""The stacks of the matrix, each started when the first test asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from localstack import clients, emulator
from localstack.home import Home
from tests.integration.deployment import Deployment
from tests.integration.stack import free_port
from tests.matrix import dev_process, localstack_host
from tests.matrix.localstack_host import LocalStack
from tests.support.seaweed import ACCESS_KEY_ID, SECRET_ACCESS_KEY, SeaweedFS

# Short pauses and few deliveries, so that retries and giving up are seen; receivers of webhooks are on this machine.
QUICK = {
    "RetryBaseSeconds": "0.2",
    "RetryCapSeconds": "0.5",
    "MaxReceiveCount": "2",
    "ParkReceiveCount": "4",
    "RateLimitMaxRequests": "1000000",
    "WebhookAllowLocal": "true",
    "WebhookRetryBaseSeconds": "0.5",
    "WebhookRetryCapSeconds": "1",
}


def pytest_collection_modifyitems(items: list[Any]) -> None:
    for item in items:
        if "tests/matrix/" in item.nodeid:
            item.add_marker(pytest.mark.matrix)


@pytest.fixture(scope="session")
def localstack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    with localstack_host.running(tmp_path_factory.mktemp("localstack")) as server:
        yield server


@pytest.fixture(scope="session")
def on_localstack_alone(localstack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Table, queues, secret and store are LocalStack's."""
    with dev_process.running(localstack.endpoint, tmp_path_factory.mktemp("alone"), QUICK) as running:
        yield Deployment(running, running.clients("s3"), crc_source="copy")


@pytest.fixture(scope="session")
def on_localstack_with_seaweedfs(
    seaweedfs: SeaweedFS, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """A LocalStack of its own, and SeaweedFS as the store: what the compose files set up."""
    store = {
        "SourceBucket": "matrix-source",
        "S3Endpoint": seaweedfs.endpoint,
        "S3AccessKeyId": ACCESS_KEY_ID,
        "S3SecretAccessKey": SECRET_ACCESS_KEY,
    }
    s3 = seaweedfs.client(max_pool_connections=16)
    with ExitStack() as open_ones:
        server = open_ones.enter_context(localstack_host.running(tmp_path_factory.mktemp("localstack-and-store")))
        folder = tmp_path_factory.mktemp("with-seaweedfs")
        for bucket in ("matrix-source", "lorry-dev-archivebucket"):
            s3.create_bucket(Bucket=bucket)
        running = open_ones.enter_context(dev_process.running(server.endpoint, folder, {**QUICK, **store}))
        yield Deployment(running, s3, crc_source="copy")


@pytest.fixture(scope="session")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an emulator on which nothing is deployed."""
    home = Home(tmp_path_factory.mktemp("ministack"))
    try:
        environment = {"AWS_SECRET_ACCESS_KEY": clients.SECRET_ACCESS_KEY}  # MiniStack's own when it starts by itself
        yield emulator.start(home, port=free_port(), environment=environment).endpoint
    finally:
        emulator.stop(home)


@pytest.fixture(scope="session")
def on_ministack_without_lambda(ministack: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """What `make dev` does after `make up`."""
    with dev_process.running(ministack, tmp_path_factory.mktemp("without-lambda"), QUICK) as running:
        yield Deployment(running, running.clients("s3"), crc_source="head")


@pytest.fixture(
    scope="session",
    params=["on_localstack_alone", "on_localstack_with_seaweedfs", "on_ministack_without_lambda"],
)
def deployment(request: pytest.FixtureRequest) -> Deployment:
    """One after the other."""
    found: Deployment = request.getfixturevalue(request.param)
    return found
