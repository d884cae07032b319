"""A batch of changes becomes webhooks for what ended, and one message for each job and watcher."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from chalicelib.delivery.broadcast import Broadcaster
from chalicelib.delivery.changes import JobChange, Notifier, Told, collapsed
from chalicelib.delivery.watchers import Connection
from chalicelib.errors import QueueUnavailable, TableUnavailable
from chalicelib.jobs.model import Job, JobStatus
from chalicelib.messages import SendWebhook
from tests.builders import job
from tests.fake_notify import FakePush, FakeSubscriptions, FakeWebhookQueue, render

ONE, OTHER = job().job_id, "6f6b0f9e-0000-4000-8000-000000000002"
HOOK = "https://hooks.example.com/lorry"
ENDED_AT = 1_700_000_009_000


def at(version: int, status: JobStatus = JobStatus.PROCESSING, **more: Any) -> Job:
    finished = ENDED_AT if status.ended else None
    return job(**{"version": version, "status": status, "finished_at": finished, **more})


def history(*states: Job) -> list[JobChange]:
    """The changes from each state to the next."""
    return [JobChange(old, new) for old, new in pairwise(states)]


class Scene:
    """A notifier on fakes; `a` and `b` watch job ONE, `c` watches OTHER."""

    def __init__(self) -> None:
        self.table, self.push, self.queue = FakeSubscriptions(), FakePush(), FakeWebhookQueue()
        self.notifier = Notifier(self.queue, Broadcaster(self.table, self.push))
        for name, job_id in (("a", ONE), ("b", ONE), ("c", OTHER)):
            self.table.open(Connection(name, "alice", "", 0))
            self.table.subscribe(name, job_id, now=0)

    def tell(self, *changes: JobChange, time_left: bool = True) -> Told:
        return self.notifier.tell(changes, render, time_left=lambda: time_left)


@pytest.fixture
def scene() -> Scene:
    return Scene()


# --- what a batch comes to ----------------------------------------------------------------


def test_a_hundred_changes_of_a_job_come_to_its_latest_state() -> None:
    found = collapsed(history(*[at(version) for version in range(1, 102)]))
    assert [job.version for job in found.latest] == [101]


def test_each_job_of_a_batch_is_told_of_once() -> None:
    mixed = [*history(at(1), at(2)), *history(at(5, job_id=OTHER), at(6, job_id=OTHER)), *history(at(2), at(3))]
    assert [(job.job_id, job.version) for job in collapsed(mixed).latest] == [(ONE, 3), (OTHER, 6)]


def test_a_write_that_no_client_can_see_is_no_news() -> None:
    assert collapsed(history(at(4), at(4, sweeps=1))).latest == ()


def test_a_new_job_is_no_news_as_nobody_can_watch_it_yet() -> None:
    assert collapsed([JobChange(None, at(1, JobStatus.QUEUED))]).latest == ()


def test_what_happens_to_a_job_right_after_its_creation_is_news() -> None:
    found = collapsed([JobChange(None, at(1, JobStatus.QUEUED)), *history(at(1, JobStatus.QUEUED), at(2))])
    assert [job.version for job in found.latest] == [2]


def test_an_end_is_found_also_where_a_retry_follows_in_the_same_batch() -> None:
    found = collapsed(history(at(1), at(2, JobStatus.FAILED), at(3), at(4, JobStatus.READY)))
    assert [job.status for job in found.ended] == [JobStatus.FAILED, JobStatus.READY]
    assert [job.version for job in found.latest] == [4]


def test_a_job_that_has_ended_does_not_end_again() -> None:
    """Such as when the sweeper takes it off its list after the clean-up."""
    assert collapsed(history(at(4, JobStatus.READY), at(4, JobStatus.READY, sweep_at=0))).ended == ()


# --- webhooks -----------------------------------------------------------------------------


@pytest.mark.parametrize("status", [JobStatus.READY, JobStatus.FAILED, JobStatus.CANCELLED])
def test_every_end_of_a_job_with_a_callback_url_orders_a_webhook(scene: Scene, status: JobStatus) -> None:
    told = scene.tell(*history(at(1, callback_url=HOOK), at(2, status, callback_url=HOOK)))
    assert scene.queue.messages == [SendWebhook(ONE, str(status), ENDED_AT)]
    assert told.webhooks == 1


def test_a_job_without_a_callback_url_orders_none(scene: Scene) -> None:
    scene.tell(*history(at(1), at(2, JobStatus.READY)))
    assert scene.queue.messages == []


def test_progress_orders_none(scene: Scene) -> None:
    scene.tell(*history(at(1, callback_url=HOOK), at(2, callback_url=HOOK)))
    assert scene.queue.messages == []


def test_the_batch_comes_again_while_the_queue_of_webhooks_is_down(scene: Scene) -> None:
    changes = history(at(1, callback_url=HOOK), at(2, JobStatus.READY, callback_url=HOOK))
    scene.queue.down = True
    with pytest.raises(QueueUnavailable):
        scene.tell(*changes)
    scene.queue.down = False
    scene.tell(*changes)
    assert len(scene.queue.messages) == 1
    assert scene.push.last("a")["event"] == "ready"


def test_no_webhook_is_ordered_twice_because_the_table_is_down(scene: Scene) -> None:
    changes = history(at(1, callback_url=HOOK), at(2, JobStatus.READY, callback_url=HOOK))
    scene.table.down = True
    with pytest.raises(TableUnavailable):
        scene.tell(*changes)
    assert scene.queue.messages == []


# --- messages -----------------------------------------------------------------------------


def test_everybody_who_watches_a_job_is_told_its_latest_state_and_nobody_else(scene: Scene) -> None:
    told = scene.tell(*history(at(1), at(2), at(3)))
    message = {
        "event": "progress",
        "id": 3,
        "jobId": ONE,
        "data": {"jobId": ONE, "status": "processing", "progress": 0},
    }
    assert scene.push.sent == {"a": [message], "b": [message]}
    assert told.messages == 2


def test_the_last_event_is_named_after_the_end_and_ends_the_subscriptions(scene: Scene) -> None:
    scene.tell(*history(at(1), at(2, JobStatus.CANCELLED)))
    assert scene.push.last("a")["event"] == "cancelled"
    assert scene.table.subscribers(ONE) == []
    assert scene.table.connections.keys() == {"a", "b", "c"}


def test_a_connection_that_is_gone_is_forgotten_and_the_others_are_told(scene: Scene) -> None:
    scene.push.gone = {"a"}
    scene.tell(*history(at(1), at(2)))
    assert "a" not in scene.table.connections
    assert scene.table.subscribers(ONE) == ["b"]
    assert scene.push.last("b")["id"] == 2


def test_pushing_stops_when_the_time_is_nearly_up_and_webhooks_do_not(scene: Scene) -> None:
    changes = history(at(1, callback_url=HOOK), at(2, JobStatus.READY, callback_url=HOOK))
    assert scene.tell(*changes, time_left=False) == Told(webhooks=1, messages=0)
    assert scene.push.sent == {}


def test_a_table_that_fails_while_subscriptions_are_removed_does_no_harm(scene: Scene) -> None:
    audience = scene.notifier.broadcaster.audience([at(2, JobStatus.READY)])
    scene.table.down = True
    assert scene.notifier.broadcaster.push(audience, render, time_left=lambda: True) == 2


def test_jobs_that_nobody_watches_cost_no_rendering(scene: Scene) -> None:
    def explode(_: Job) -> None:
        raise AssertionError("rendered for nobody")

    unwatched = history(at(1, job_id="6f6b0f9e-0000-4000-8000-000000000009"))
    assert scene.notifier.tell(unwatched, explode, time_left=lambda: True) == Told(0, 0)
