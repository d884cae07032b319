"""An embedded stack of the tests' own: started on a free port, in a folder of its own, gone afterwards.

with running_stack(folder, parameters={"MaxReceiveCount": "2"}) as stack:
    stack.put_file(70000, b"...")
    httpx.get(f"{stack.url}/health")
    stack.kill_worker(stack.workers("check")[0])
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from localstack import emulator, processes
from localstack import stack as local
from localstack.clients import Clients
from localstack.home import Home, Options

Value = TypeVar("Value")

# Names of app.py's functions, and the outputs that hold what CloudFormation called them.
FUNCTIONS = {
    "api": "ApiFunction",
    "assemble": "AssembleFunction",
    "check": "CheckFunction",
    "dead_letters": "DeadLettersFunction",
    "dispatch": "DispatchFunction",
    "notify": "NotifyFunction",
    "sweep": "SweepFunction",
    "webhook": "WebhookFunction",
    "websocket_connect": "WebsocketConnectFunction",
    "websocket_disconnect": "WebsocketDisconnectFunction",
    "websocket_message": "WebsocketMessageFunction",
}
QUEUES = {
    "assembly": "AssemblyQueueUrl",
    "assembly_dead": "AssemblyDeadLettersUrl",
    "check": "CheckQueueUrl",
    "check_dead": "CheckDeadLettersUrl",
    "dispatch": "DispatchQueueUrl",
    "dispatch_dead": "DispatchDeadLettersUrl",
    "notify_dead": "NotifyDeadLettersUrl",
    "unreadable": "UnreadableQueueUrl",
    "webhook": "WebhookQueueUrl",
    "webhook_dead": "WebhookDeadLettersUrl",
}
UNREAD = ("notify_dead", "unreadable", "webhook_dead")  # by any function; a person looks into them

SCHEDULED = {
    "version": "0",
    "id": "00000000-0000-0000-0000-000000000000",
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "account": "000000000000",
    "time": "2026-01-01T00:00:00Z",
    "region": "us-east-1",
    "resources": [],
    "detail": {},
}


@dataclass(frozen=True)
class RunningStack:
    """One stack, its addresses, and what a test may do to it."""

    options: Options
    outputs: Mapping[str, Any]
    clients: Clients

    @property
    def url(self) -> str:
        return str(self.outputs["ApiUrl"])

    @property
    def log(self) -> str:
        """What MiniStack wrote so far, the functions' logs among it."""
        return self.options.home.log.read_text(errors="replace")

    def put_file(self, file_id: int, data: bytes) -> None:
        """Put a file where a job finds it."""
        self.clients("s3").put_object(Bucket=self.outputs["SourceBucket"], Key=f"downloads/{file_id}.zip", Body=data)

    def put_files(self, file_ids: range, data: bytes = b"x") -> None:
        for file_id in file_ids:
            self.put_file(file_id, data)

    def items(self, job_id: str) -> list[dict[str, Any]]:
        """Every table item whose partition key holds the job's id, as DynamoDB stores it."""
        pages = self.clients("dynamodb").get_paginator("scan").paginate(TableName=self.outputs["Table"])
        return [item for page in pages for item in page["Items"] if job_id in item["pk"].get("S", "")]

    def send(self, queue: str, body: str) -> None:
        self.clients("sqs").send_message(QueueUrl=self.outputs[QUEUES[queue]], MessageBody=body)

    def depth(self, queue: str) -> tuple[int, int]:
        """How many messages wait in the queue, and how many are being worked on or hidden."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.clients("sqs").get_queue_attributes(QueueUrl=self.outputs[QUEUES[queue]], AttributeNames=names)
        return int(found["Attributes"][names[0]]), int(found["Attributes"][names[1]])

    def sweep(self) -> bytes:
        """Run the sweeper now, as the schedule would; what it answered."""
        name = self.outputs[FUNCTIONS["sweep"]]
        answer = self.clients("lambda").invoke(FunctionName=name, Payload=json.dumps(SCHEDULED).encode())
        payload: bytes = answer["Payload"].read()
        return payload

    def workers(self, function: str) -> list[int]:
        """The pids of the function's worker processes, idle ones included."""
        server = emulator.running(self.options.home)
        children = processes.descendants(server.process.pid) if server else []
        mark = f"ministack-lambda-{self.outputs[FUNCTIONS[function]]}-"
        return [child.pid for child in children if mark in processes.command_line(child)]

    def kill_worker(self, pid: int) -> None:
        """kill -9 of a worker process of this stack."""
        if not any(pid in self.workers(function) for function in FUNCTIONS):
            raise ValueError(f"{pid} is no worker of this stack")
        os.kill(pid, signal.SIGKILL)

    def kill_workers(self, function: str) -> list[int]:
        """kill -9 of every worker process of a function; their pids."""
        killed = self.workers(function)
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        return killed


@contextmanager
def running_stack(
    folder: Path, *, parameters: Mapping[str, str] | None = None, environment: Mapping[str, str] | None = None
) -> Iterator[RunningStack]:
    """A stack in `folder`. `parameters` are the template's, `environment` is the emulator's and every Lambda's."""
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):  # either would lead the clients elsewhere
        os.environ.pop(name, None)
    options = Options(home=Home(folder), port=free_port(), parameters=parameters or {}, environment=environment or {})
    try:
        outputs = local.up(options)
        yield RunningStack(options, outputs, Clients(outputs["Endpoint"]))
    finally:
        local.down(options)


def free_port() -> int:
    """A port that nobody uses, outside the range that the system gives to outgoing connections."""
    for port in random.sample(range(20_000, 30_000), k=100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no free port between 20000 and 30000")


def wait_for(what: str, condition: Callable[[], Value | None], *, seconds: float, pause: float = 0.05) -> Value:
    """The first true value of `condition`; fails the test when there is none after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"no {what} after {seconds:g} s; last seen: {value!r}")
        time.sleep(pause)
    return value
