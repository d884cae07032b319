"""WorkQueue on SQS: one queue for each kind of message."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.errors import QueueUnavailable
from chalicelib.limits import SQS_MAX_BATCH_ENTRIES
from chalicelib.messages import AnyMessage, encode


@dataclass(frozen=True, slots=True)
class SqsWorkQueue:
    """`urls` names the queue of each message type."""

    client: Any
    urls: Mapping[type[AnyMessage], str]

    def send(self, messages: Iterable[AnyMessage]) -> None:
        for group in _groups(messages):
            for kind in {type(message) for message in group}:
                self._send(self.urls[kind], [message for message in group if type(message) is kind])

    def _send(self, url: str, messages: Sequence[AnyMessage]) -> None:
        entries = [{"Id": str(n), "MessageBody": encode(message)} for n, message in enumerate(messages)]
        try:
            answer = self.client.send_message_batch(QueueUrl=url, Entries=entries)
        except (ClientError, BotoCoreError) as error:
            raise QueueUnavailable(f"the work queue did not answer: {error}") from error
        if answer.get("Failed"):
            raise QueueUnavailable(
                f"the work queue refused messages: {answer['Failed'][0].get('Message', 'no reason')}"
            )


def _groups(messages: Iterable[AnyMessage]) -> Iterator[list[AnyMessage]]:
    rest = iter(messages)
    while group := list(islice(rest, SQS_MAX_BATCH_ENTRIES)):
        yield group
