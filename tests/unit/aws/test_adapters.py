"""How a deployment's adapters are put together."""

from __future__ import annotations

from typing import get_args

from chalicelib.aws.adapters import Adapters
from chalicelib.aws.s3_archives import S3ArchiveStore
from chalicelib.aws.sqs import SqsWorkQueue
from chalicelib.messages import AnyMessage
from chalicelib.settings import Settings
from tests.support.services import ENVIRONMENT


def test_small_ranges_are_read_without_the_sdk() -> None:
    store = Adapters(Settings.from_environment({**ENVIRONMENT, "S3_REGION": "us-east-1"})).archive_store
    assert isinstance(store, S3ArchiveStore)
    assert store.quick_reads is not None


def test_every_message_has_a_queue() -> None:
    queue = Adapters(Settings.from_environment(ENVIRONMENT)).queue
    assert isinstance(queue, SqsWorkQueue)
    assert queue.urls.keys() == set(get_args(AnyMessage))
