"""A batch of changes becomes webhooks for what ended, and one message per job and subscriber."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest

from chalicelib.delivery.job_summary import event_message
from chalicelib.delivery.notifier import JobChange, Notifier, SendResult, collapse
from chalicelib.delivery.subscriptions import Connection
from chalicelib.errors import QueueUnavailable, TableUnavailable
from chalicelib.jobs.model import Job, JobStatus
from chalicelib.messages import SendWebhook
from tests.support.builders import job
from tests.support.delivery import FakePush, FakeSubscriptions
from tests.support.executors import SerialExecutor
from tests.support.fakes import FakeWorkQueue

ONE, OTHER = job().job_id, "6f6b0f9e-0000-4000-8000-000000000002"
BASE = "https://lorry.example.com"
HOOK = "https://hooks.example.com/lorry"
ENDED_AT = 1_700_000_009_000


def at(version: int, status: JobStatus = JobStatus.PROCESSING, **more: Any) -> Job:
    finished = ENDED_AT if status.ended else None
    return job(**{"version": version, "status": status, "finished_at": finished, **more})


def history(*states: Job) -> list[JobChange]:
    """The changes from each state to the next."""
    return [JobChange(old, new) for old, new in pairwise(states)]


class Scene:
    """A notifier on fakes; `a` and `b` are subscribed to job ONE, `c` to OTHER."""

    def __init__(self) -> None:
        self.table, self.push, self.queue = FakeSubscriptions(), FakePush(), FakeWorkQueue()
        self.notifier = Notifier(self.queue, self.table, self.push, SerialExecutor(), BASE)
        for name, job_id in (("a", ONE), ("b", ONE), ("c", OTHER)):
            self.table.open(Connection(name, "alice", "", 0))
            self.table.subscribe(name, job_id, now=0)

    def notify(self, *changes: JobChange, time_left: bool = True) -> SendResult:
        return self.notifier.notify(changes, time_left=lambda: time_left)


@pytest.fixture
def scene() -> Scene:
    return Scene()


# --- what a batch comes to ----------------------------------------------------------------


def test_a_hundred_changes_of_a_job_come_to_its_latest_state() -> None:
    found = collapse(history(*[at(version) for version in range(1, 102)]))
    assert [job.version for job in found.latest] == [101]


def test_each_job_of_a_batch_is_reported_once() -> None:
    mixed = [*history(at(1), at(2)), *history(at(5, job_id=OTHER), at(6, job_id=OTHER)), *history(at(2), at(3))]
    assert [(job.job_id, job.version) for job in collapse(mixed).latest] == [(ONE, 3), (OTHER, 6)]


def test_a_write_that_no_client_can_see_is_not_reported() -> None:
    assert collapse(history(at(4), at(4, sweeps=1))).latest == ()


def test_the_first_version_of_a_job_is_not_reported() -> None:
    assert collapse([JobChange(None, at(1, JobStatus.QUEUED))]).latest == ()


def test_what_happens_right_after_the_first_version_is_reported() -> None:
    found = collapse([JobChange(None, at(1, JobStatus.QUEUED)), *history(at(1, JobStatus.QUEUED), at(2))])
    assert [job.version for job in found.latest] == [2]


def test_an_end_is_found_also_where_a_retry_follows_in_the_same_batch() -> None:
    found = collapse(history(at(1), at(2, JobStatus.FAILED), at(3), at(4, JobStatus.READY)))
    assert [job.status for job in found.ended] == [JobStatus.FAILED, JobStatus.READY]
    assert [job.version for job in found.latest] == [4]


def test_a_job_that_has_ended_does_not_end_again() -> None:
    """Such as when the sweeper takes it off its list after the clean-up."""
    assert collapse(history(at(4, JobStatus.READY), at(4, JobStatus.READY, sweep_at=0))).ended == ()


# --- webhooks -----------------------------------------------------------------------------


@pytest.mark.parametrize("status", [JobStatus.READY, JobStatus.FAILED, JobStatus.CANCELLED])
def test_every_end_of_a_job_with_a_callback_url_orders_a_webhook(scene: Scene, status: JobStatus) -> None:
    sent = scene.notify(*history(at(1, callback_url=HOOK), at(2, status, callback_url=HOOK)))
    assert scene.queue.webhooks == [SendWebhook(ONE, str(status), ENDED_AT)]
    assert sent.webhooks == 1


def test_a_job_without_a_callback_url_orders_none(scene: Scene) -> None:
    scene.notify(*history(at(1), at(2, JobStatus.READY)))
    assert scene.queue.webhooks == []


def test_progress_orders_none(scene: Scene) -> None:
    scene.notify(*history(at(1, callback_url=HOOK), at(2, callback_url=HOOK)))
    assert scene.queue.webhooks == []


def test_the_batch_comes_again_while_the_queue_of_webhooks_is_down(scene: Scene) -> None:
    changes = history(at(1, callback_url=HOOK), at(2, JobStatus.READY, callback_url=HOOK))
    scene.queue.down = True
    with pytest.raises(QueueUnavailable):
        scene.notify(*changes)
    scene.queue.down = False
    scene.notify(*changes)
    assert len(scene.queue.webhooks) == 1
    assert scene.push.last("a")["event"] == "ready"


def test_no_webhook_is_ordered_twice_because_the_table_is_down(scene: Scene) -> None:
    changes = history(at(1, callback_url=HOOK), at(2, JobStatus.READY, callback_url=HOOK))
    scene.table.down = True
    with pytest.raises(TableUnavailable):
        scene.notify(*changes)
    assert scene.queue.webhooks == []


# --- messages -----------------------------------------------------------------------------


def test_subscribers_of_a_job_get_its_latest_state_and_others_get_nothing(scene: Scene) -> None:
    sent = scene.notify(*history(at(1), at(2), at(3)))
    message = json.loads(event_message(at(3), BASE))
    assert (message["event"], message["id"], message["jobId"]) == ("progress", 3, ONE)
    assert scene.push.sent == {"a": [message], "b": [message]}
    assert sent.messages == 2


def test_the_last_event_is_named_after_the_end_and_ends_the_subscriptions(scene: Scene) -> None:
    scene.notify(*history(at(1), at(2, JobStatus.CANCELLED)))
    assert scene.push.last("a")["event"] == "cancelled"
    assert scene.table.subscribers(ONE) == []
    assert scene.table.connections.keys() == {"a", "b", "c"}


def test_a_connection_that_is_gone_is_deleted_and_the_others_get_the_message(scene: Scene) -> None:
    scene.push.gone = {"a"}
    scene.notify(*history(at(1), at(2)))
    assert "a" not in scene.table.connections
    assert scene.table.subscribers(ONE) == ["b"]
    assert scene.push.last("b")["id"] == 2


def test_pushing_stops_when_the_time_is_nearly_up_and_webhooks_do_not(scene: Scene) -> None:
    changes = history(at(1, callback_url=HOOK), at(2, JobStatus.READY, callback_url=HOOK))
    assert scene.notify(*changes, time_left=False) == SendResult(webhooks=1, messages=0)
    assert scene.push.sent == {}


def test_a_table_that_fails_while_subscriptions_are_removed_does_no_harm(scene: Scene) -> None:
    scene.push.sends = lambda: setattr(scene.table, "down", True)
    assert scene.notify(*history(at(1), at(2, JobStatus.READY))).messages == 2


def test_a_job_without_subscribers_is_not_rendered(scene: Scene) -> None:
    before, after = (at(n, job_id="6f6b0f9e-0000-4000-8000-000000000009", created_at=10**18) for n in (1, 2))
    assert scene.notify(JobChange(before, after)) == SendResult(0, 0)
