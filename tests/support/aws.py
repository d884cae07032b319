"""An empty AWS for a test: moto's, in this process, or an emulator's that `elsewhere` names.

with emulated_aws():
    boto3.client("sqs").create_queue(QueueName="check")
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager

import boto3
from moto import mock_aws

REGION = "us-east-1"


class _Place:
    """Where AWS is; None: moto's."""

    endpoint: str | None = None


@contextmanager
def elsewhere(endpoint: str) -> Iterator[None]:
    """Meanwhile AWS is at `endpoint`, an emulator that keeps accounts apart by access keys of twelve digits."""
    _Place.endpoint = endpoint
    try:
        yield
    finally:
        _Place.endpoint = None


@contextmanager
def emulated_aws() -> Iterator[None]:
    """Clients that boto3 makes meanwhile reach an AWS in which nothing is."""
    if _Place.endpoint is None:
        with mock_aws():
            yield
        return
    account = str(random.randint(10**11, 10**12 - 1))
    with _environment(AWS_ENDPOINT_URL=_Place.endpoint, AWS_ACCESS_KEY_ID=account, AWS_DEFAULT_REGION=REGION):
        boto3.setup_default_session()  # one that has not read other keys yet
        try:
            yield
        finally:
            _give_up_buckets()
            boto3.DEFAULT_SESSION = None


def _give_up_buckets() -> None:
    """Accounts share the names of buckets, and the next test wants the same."""
    s3 = boto3.client("s3")
    for bucket in s3.list_buckets()["Buckets"]:
        s3.delete_bucket(Bucket=bucket["Name"])


@contextmanager
def _environment(**variables: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
