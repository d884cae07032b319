"""The simulated SQS answers as others do: moto here, MiniStack in the matrix. Where they wait, its clock moves."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contracts.simulation.comparing import Reference
from tests.contracts.simulation.sqs_scripts import SCRIPTS, Queues, Seen
from tests.simulation.client import SimulatedClient
from tests.simulation.environment import Alone
from tests.simulation.sqs.service import SimulatedSQS
from tests.support.aws import emulated_aws

MOTO = {
    "a_message_that_is_received_too_often_moves_on_and_keeps_its_count": "does not say where a message was given up",
    "bodies_are_refused": "takes any body",
    "what_is_not_in_flight_cannot_be_hidden": "hides what is visible",
}


@pytest.fixture(scope="module")
def reference() -> Iterator[Reference]:
    with emulated_aws():
        yield Reference(boto3.client("sqs", region_name="us-east-1"), MOTO)


@pytest.fixture(scope="module")
def seen_elsewhere(reference: Reference) -> dict[str, Seen]:
    """What each script sees of the other service. All run at once, for they spend their time waiting."""
    with ThreadPoolExecutor(len(SCRIPTS)) as pool:
        seen = pool.map(lambda script: _seen(script, reference.client, time.sleep), SCRIPTS)
    return {script.__name__: one for script, one in zip(SCRIPTS, seen, strict=True)}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.__name__)
def test_the_same_is_seen(
    script: Callable[[Queues], None], reference: Reference, seen_elsewhere: dict[str, Seen]
) -> None:
    environment = Alone()
    ours = _seen(script, SimulatedClient(SimulatedSQS(environment)), environment.pass_time)
    theirs = seen_elsewhere[script.__name__]
    if script.__name__ in reference.different:
        assert ours != theirs, f"no difference any more: {reference.different[script.__name__]}"
    else:
        assert ours == theirs


def _seen(script: Callable[[Queues], None], client: Any, wait: Callable[[float], None]) -> Seen:
    queues = Queues(client, script.__name__[:70], wait)
    script(queues)
    return queues.seen


# Random sequences, in which nothing waits.
steps = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.integers(0, 5)),
        st.tuples(st.just("receive"), st.just(0)),
        st.tuples(st.sampled_from(["delete", "release", "extend"]), st.integers(0, 5)),
    ),
    max_size=25,
)


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps)
def test_sequences_of_calls_are_seen_alike(reference: Reference, steps: list[tuple[str, int]]) -> None:
    ours = Queues(SimulatedClient(SimulatedSQS(Alone())), "sequence", lambda _: None)
    theirs = Queues(reference.client, f"sequence-{uuid.uuid4()}", lambda _: None)
    for queues in (ours, theirs):
        _walk(queues, steps)
    assert ours.seen == theirs.seen


def _walk(queues: Queues, steps: list[tuple[str, int]]) -> None:
    handles: dict[str, str] = {}  # of what is in flight
    for step, number in steps:
        body = sorted(handles)[number % len(handles)] if handles else ""
        if step == "send":
            queues.batch("send_message_batch", *[{"MessageBody": f"{number} {len(queues.seen)} {n}"} for n in range(2)])
        elif step == "receive":
            handles |= queues.receive(VisibilityTimeout=600)
        elif step == "extend" and body:
            queues.ask("change_message_visibility", ReceiptHandle=handles[body], VisibilityTimeout=900)
        elif step == "release" and body:
            queues.ask("change_message_visibility", ReceiptHandle=handles.pop(body), VisibilityTimeout=0)
        elif step == "delete" and body:
            queues.ask("delete_message", ReceiptHandle=handles.pop(body))
    queues.count()
