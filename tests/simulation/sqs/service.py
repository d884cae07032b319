"""The operations of SQS that adapters use.

sqs = SimulatedSQS(Alone())
client = SimulatedClient(sqs)
url = client.create_queue(QueueName="check", Attributes={"VisibilityTimeout": "25"})["QueueUrl"]
client.send_message(QueueUrl=url, MessageBody="hello")
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from botocore.config import Config

from tests.simulation.client import ACCOUNT, REGION, Refused
from tests.simulation.environment import Environment
from tests.simulation.faults import Fault
from tests.simulation.sqs.queues import Message, Queue

Answer = dict[str, Any]
Entry = Mapping[str, Any]

MAX_BYTES = 1024 * 1024
MAX_ENTRIES = MAX_RECEIVED = 10
MAX_DELAY_SECONDS = 900
MAX_VISIBILITY_SECONDS = 12 * 3600
DEFAULTS = {
    "VisibilityTimeout": "30",
    "DelaySeconds": "0",
    "MaximumMessageSize": str(MAX_BYTES),
    "MessageRetentionPeriod": "345600",
    "ReceiveMessageWaitTimeSeconds": "0",
}
_ENTRY_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
_REFUSED_CHARACTERS = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _refused(code: str, message: str) -> Refused:
    """With the code of the query protocol, which the SDK keeps in errors beside the name of the exception."""
    return Refused(f"AWS.SimpleQueueService.{code}", message, exception=code)


def _invalid(message: str) -> Refused:
    return Refused("InvalidParameterValue", message)


class SimulatedSQS:
    name = "sqs"

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.queues: dict[str, Queue] = {}  # by URL

    def describe(self, operation: str, arguments: Mapping[str, Any]) -> str:
        queue = str(arguments.get("QueueUrl", "")).rpartition("/")[2]
        words = arguments.get("MessageBody") or ", ".join(
            str(entry.get("MessageBody", "")) for entry in arguments.get("Entries", ())
        )
        return f"({queue}) {words[:160]}".rstrip()

    def prepare(self, operation: str, arguments: dict[str, Any], config: Config) -> None:
        """The SDK adds nothing."""

    def fault_before(self, operation: str, arguments: Mapping[str, Any]) -> None:
        if self.environment.faults.happens(Fault.QUEUE_THROTTLED, operation):
            raise Refused("ThrottlingException", "Rate exceeded")

    # --- queues

    def create_queue(self, *, QueueName: str, Attributes: Mapping[str, str] | None = None, **_: Any) -> Answer:
        url = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{QueueName}"
        wanted = dict(Attributes or {})
        existing = self.queues.get(url)
        if existing is None:
            queue = Queue(QueueName, url, f"arn:aws:sqs:{REGION}:{ACCOUNT}:{QueueName}", self.environment, {})
            self.queues[url] = queue
            self._configure(queue, {**DEFAULTS, **wanted})
        elif any(existing.attributes.get(name) != value for name, value in wanted.items()):
            raise Refused("QueueAlreadyExists", "A queue exists with other attributes", exception="QueueNameExists")
        return {"QueueUrl": url}

    def _configure(self, queue: Queue, attributes: Mapping[str, str]) -> None:
        queue.attributes.update(attributes)
        if "RedrivePolicy" in attributes:
            policy = json.loads(attributes["RedrivePolicy"])
            queue.dead_letters = self.by_arn(policy["deadLetterTargetArn"])
            queue.max_receives = int(policy["maxReceiveCount"])

    def by_arn(self, arn: str) -> Queue:
        return self.queue(f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{arn.rpartition(':')[2]}")

    def queue(self, url: str) -> Queue:
        """The queue, or the error that there is none."""
        try:
            return self.queues[url]
        except KeyError:
            raise Refused(
                "AWS.SimpleQueueService.NonExistentQueue",
                "The specified queue does not exist.",
                exception="QueueDoesNotExist",
            ) from None

    def get_queue_url(self, *, QueueName: str, **_: Any) -> Answer:
        return {"QueueUrl": self.by_arn(QueueName).url}

    def get_queue_attributes(self, *, QueueUrl: str, AttributeNames: Sequence[str] = ()) -> Answer:
        queue = self.queue(QueueUrl)
        visible, in_flight, delayed = queue.counts()
        known = {
            **queue.attributes,
            "QueueArn": queue.arn,
            "ApproximateNumberOfMessages": str(visible),
            "ApproximateNumberOfMessagesNotVisible": str(in_flight),
            "ApproximateNumberOfMessagesDelayed": str(delayed),
        }
        wanted = known if "All" in AttributeNames else AttributeNames
        return {"Attributes": {name: known[name] for name in wanted if name in known}}

    # --- sending

    def send_message(self, *, QueueUrl: str, **entry: Any) -> Answer:
        return self._send(self.queue(QueueUrl), entry)

    def send_message_batch(self, *, QueueUrl: str, Entries: Sequence[Entry]) -> Answer:
        queue = self.queue(QueueUrl)
        size = sum(_size(entry) for entry in Entries)
        if size > MAX_BYTES:
            raise _refused("BatchRequestTooLong", f"Batch requests cannot be longer than {MAX_BYTES} bytes")
        return self._each(Entries, lambda entry: self._send(queue, entry), Fault.PARTIAL_SEND)

    def _send(self, queue: Queue, entry: Entry) -> Answer:
        body, delay = entry["MessageBody"], entry.get("DelaySeconds", int(queue.attributes["DelaySeconds"]))
        _check_body(body)
        if _size(entry) > int(queue.attributes["MaximumMessageSize"]):
            raise _invalid(f"Message must be shorter than {queue.attributes['MaximumMessageSize']} bytes.")
        if not 0 <= delay <= MAX_DELAY_SECONDS:
            raise _invalid(f"DelaySeconds must be >= 0 and <= {MAX_DELAY_SECONDS}.")
        message = queue.send(
            body,
            delay_ms=delay * 1000,
            attributes=entry.get("MessageAttributes"),
            group=entry.get("MessageGroupId", ""),
        )
        return {"MessageId": message.message_id, "MD5OfMessageBody": message.md5}

    def _each(
        self, entries: Sequence[Entry], act: Callable[[Entry], Answer], refused_by: Fault | None = None
    ) -> Answer:
        """Every entry of a batch by itself: some may fail."""
        _check_entries(entries)
        successful, failed = [], []
        for entry in entries:
            try:
                if refused_by and self.environment.faults.happens(refused_by):
                    raise Refused("InternalError", "We encountered an internal error. Please try again.", status=500)
                successful.append({"Id": entry["Id"], **act(entry)})
            except Refused as refused:
                fault = {"SenderFault": refused.status < 500, "Code": refused.code, "Message": refused.message}
                failed.append({"Id": entry["Id"], **fault})
        return {"Successful": successful, "Failed": failed}

    # --- receiving

    def receive_message(
        self,
        *,
        QueueUrl: str,
        MaxNumberOfMessages: int = 1,
        VisibilityTimeout: int | None = None,
        WaitTimeSeconds: int = 0,
        **wanted: Sequence[str],
    ) -> Answer:
        queue = self.queue(QueueUrl)
        if not 1 <= MaxNumberOfMessages <= MAX_RECEIVED:
            raise _invalid(f"MaxNumberOfMessages must be between 1 and {MAX_RECEIVED}, if provided.")
        seconds = int(queue.attributes["VisibilityTimeout"]) if VisibilityTimeout is None else VisibilityTimeout
        _check_visibility(seconds)
        if queue.is_full:
            raise Refused("OverLimit", "Too many messages in flight")
        for second in range(WaitTimeSeconds + 1):
            if found := queue.receive(MaxNumberOfMessages, seconds * 1000):
                names = [*wanted.get("AttributeNames", ()), *wanted.get("MessageSystemAttributeNames", ())]
                with_attributes = bool(wanted.get("MessageAttributeNames"))
                return {"Messages": [_shown(message, names, with_attributes) for message in found]}
            if second < WaitTimeSeconds:
                self.environment.sleep(1)
        return {}

    def delete_message(self, *, QueueUrl: str, ReceiptHandle: str) -> Answer:
        queue = self.queue(QueueUrl)
        message, is_latest = _delivery(queue, ReceiptHandle)
        if message is not None and (is_latest or self._may_act()):
            queue.delete(message)
        return {}

    def delete_message_batch(self, *, QueueUrl: str, Entries: Sequence[Entry]) -> Answer:
        return self._each(
            Entries, lambda entry: self.delete_message(QueueUrl=QueueUrl, ReceiptHandle=entry["ReceiptHandle"])
        )

    def change_message_visibility(self, *, QueueUrl: str, ReceiptHandle: str, VisibilityTimeout: int) -> Answer:
        queue = self.queue(QueueUrl)
        _check_visibility(VisibilityTimeout)
        message, is_latest = _delivery(queue, ReceiptHandle)
        if message is None:
            raise _invalid("Message does not exist or is not available for visibility timeout change.")
        if not queue.is_in_flight(message):
            raise _refused("MessageNotInflight", "The specified message isn't in flight.")
        if is_latest or self._may_act():
            queue.change_visibility(message, VisibilityTimeout * 1000)
        return {}

    def change_message_visibility_batch(self, *, QueueUrl: str, Entries: Sequence[Entry]) -> Answer:
        return self._each(
            Entries,
            lambda entry: self.change_message_visibility(
                QueueUrl=QueueUrl,
                ReceiptHandle=entry["ReceiptHandle"],
                VisibilityTimeout=entry["VisibilityTimeout"],
            ),
        )

    def _may_act(self) -> bool:
        """Whether the handle of an earlier delivery does anything: AWS promises neither."""
        return self.environment.faults.happens(Fault.OLD_RECEIPT_WORKS)


def _shown(message: Message, names: Sequence[str], with_attributes: bool) -> Answer:
    answer: Answer = {
        "MessageId": message.message_id,
        "ReceiptHandle": message.receipt_handle,
        "Body": message.body,
        "MD5OfBody": message.md5,
    }
    known = message.system_attributes
    shown = known if "All" in names else {name: value for name, value in known.items() if name in names}
    if shown:
        answer["Attributes"] = shown
    if with_attributes and message.attributes:
        answer["MessageAttributes"] = dict(message.attributes)
    return answer


def _delivery(queue: Queue, handle: str) -> tuple[Message | None, bool]:
    """The message, if it is still there, and whether this is its latest delivery."""
    message_id, mark, number = handle.partition("#")
    if not mark or not number.isdecimal():
        raise Refused("ReceiptHandleIsInvalid", "The input receipt handle is invalid.")
    message = queue.messages.get(message_id)
    return message, message is not None and message.receipt == int(number)


def _check_body(body: str) -> None:
    if not body:
        raise Refused("MissingParameter", "The request must contain the parameter MessageBody.")
    if _REFUSED_CHARACTERS.search(body):
        raise Refused("InvalidMessageContents", "The message contains characters outside the allowed set.")


def _size(entry: Entry) -> int:
    """A message's attributes count like its body."""
    attributes = entry.get("MessageAttributes", {})
    size = len(entry["MessageBody"].encode())
    for name, value in attributes.items():
        content = value.get("StringValue", "").encode() + value.get("BinaryValue", b"")
        size += len(name.encode()) + len(value["DataType"].encode()) + len(content)
    return size


def _check_visibility(seconds: int) -> None:
    if not 0 <= seconds <= MAX_VISIBILITY_SECONDS:
        raise _invalid(f"VisibilityTimeout must be between 0 and {MAX_VISIBILITY_SECONDS}.")


def _check_entries(entries: Sequence[Entry]) -> None:
    if not entries:
        raise _refused("EmptyBatchRequest", "There should be at least one entry in the request.")
    if len(entries) > MAX_ENTRIES:
        raise _refused("TooManyEntriesInBatchRequest", f"Maximum number of entries per request are {MAX_ENTRIES}.")
    ids = [entry["Id"] for entry in entries]
    if not all(_ENTRY_ID.fullmatch(entry_id) for entry_id in ids):
        raise _refused("InvalidBatchEntryId", "A batch entry id can only contain alphanumeric characters, - and _.")
    if len(set(ids)) < len(ids):
        raise _refused("BatchEntryIdsNotDistinct", "Two entries have the same id.")
