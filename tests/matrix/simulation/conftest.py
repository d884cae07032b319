"""The other services that the simulated ones are compared with."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest

from tests.matrix import dynamodb_local


@pytest.fixture(scope="session")
def dynamodb_local_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with dynamodb_local.running(tmp_path_factory.mktemp("dynamodb-local")) as endpoint:
        yield endpoint


def client_of(service: str, endpoint: str) -> object:
    return boto3.client(service, endpoint_url=endpoint, region_name="us-east-1")
