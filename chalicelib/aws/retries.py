"""When a failed message comes back: exponential backoff with jitter, by the message's own visibility."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.limits import SQS_MAX_VISIBILITY_SECONDS
from chalicelib.observability import logger


@dataclass(frozen=True, slots=True)
class Retries:
    """`base` and `cap` are seconds; the delay before attempt n + 1 is between half and all of base * 2^(n-1)."""

    client: Any
    base: float
    cap: float

    def delay(self, *, attempt: int) -> int:
        longest = min(self.cap, self.base * 2.0 ** min(attempt - 1, 30))
        return min(SQS_MAX_VISIBILITY_SECONDS, round(random.uniform(longest / 2, longest)))

    def postpone(self, *, queue_arn: str, receipt_handle: str, seconds: int) -> None:
        """Let the message come back in `seconds`. If SQS does not answer, it comes back after the queue's own time."""
        try:
            url = self._url(queue_arn)
            self.client.change_message_visibility(QueueUrl=url, ReceiptHandle=receipt_handle, VisibilityTimeout=seconds)
        except (ClientError, BotoCoreError) as error:
            logger.warning("could not set the message's visibility", queue=queue_arn, error=str(error))

    def _url(self, arn: str) -> str:
        account, name = arn.split(":")[4:6]
        return f"{self.client.meta.endpoint_url.rstrip('/')}/{account}/{name}"
