"""Keeps a message hidden while its worker lives, and not much longer.

A queue must hide messages for as long as its function may run; with minutes of that, the work of a killed worker would
lie still for minutes. So the worker takes the message for a short while, and takes it again while it works.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord


class RetryPolicy(Protocol):
    """When a message comes back; chalicelib.aws.retries has the real one."""

    def delay(self, *, attempt: int) -> int:
        """Seconds before the attempt after this one."""

    def postpone(self, *, queue_arn: str, receipt_handle: str, seconds: int) -> None:
        """Let the message come back in so many seconds."""


RENEWALS = 3  # within one lease, so that a lost one does no harm


@contextmanager
def held(record: SQSRecord, retries: RetryPolicy, seconds: float) -> Iterator[None]:
    """The record is hidden for `seconds` from now, again and again until the block is left."""
    left = threading.Event()

    def renew() -> None:
        while True:
            retries.postpone(
                queue_arn=record.event_source_arn, receipt_handle=record.receipt_handle, seconds=round(seconds)
            )
            if left.wait(seconds / RENEWALS):
                return

    renewing = threading.Thread(target=renew, daemon=True)
    renewing.start()
    try:
        yield
    finally:
        left.set()
        renewing.join()
