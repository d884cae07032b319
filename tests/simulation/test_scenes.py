"""Scenes that went wrong in a production system of the same kind, DataBiosphere/azul, by its issue numbers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.simulation.deployment import Deployment
from tests.simulation.faults import Fault, Faults
from tests.simulation.invariants import check_at_rest
from tests.simulation.running import SETTLING_SECONDS, listening
from tests.simulation.story import PREFIX, Request, Story

ARCHIVE = {"layout": "tree"}


class Quiet(Story):
    """Files that are all there, and nobody but who the scene brings."""

    def _fill(self) -> None:
        self._keys = [f"{PREFIX}{number:03}.bin" for number in range(60)]
        for key in self._keys:
            self.files.put(key, 100)

    def _draw(self) -> None:
        """Nothing by chance."""

    def ask(self, name: str, *, key: str = "") -> Request:
        request = Request(name, {"keys": self._keys, "archive": ARCHIVE}, self._keys)
        self.requests.append(request)
        self._spawn(name, self._begin_and_follow, request, key or request.key)
        return request

    def _begin_and_follow(self, request: Request, key: str) -> None:
        request.began_ms = self.deployment.scheduler.true_ms
        status, answer = self._ask("POST", "/v1/download/initiate", request.body, Idempotency_Key=key)
        assert status == 202
        request.job_id = answer["jobId"]
        self._follow(request)


@contextmanager
def scene(seed: int = 1, **faults: float) -> Iterator[Quiet]:
    """A deployment on which, when the scene is over, every invariant holds."""
    chances = {Fault[name]: chance for name, chance in faults.items()}
    with listening() as surprises:
        deployment = Deployment(seed, Faults(seed, chances), {}, files_per_batch=2)
        try:
            story = Quiet(deployment, seed)
            yield story
            deployment.environment.faults.active = lambda: False
            deployment.scheduler.run(seconds=SETTLING_SECONDS)
            assert story.violations + check_at_rest(deployment, story) + surprises.found == []
        finally:
            deployment.close()


def play(story: Quiet) -> None:
    story.deployment.scheduler.run(until=lambda: story.users == 0)


def test_work_that_is_delivered_again_after_its_success_changes_nothing() -> None:
    """#7203"""
    with scene(RETURNING_MESSAGE=1.0) as story:
        request = story.ask("job")
        play(story)
        archive = list(story.deployment.s3.buckets["archives"].objects)
        assert request.ends == ["ready"]
    assert [key for key in story.deployment.s3.buckets["archives"].objects if key.startswith("archives/")] == archive


def test_a_chain_that_forks_builds_one_archive() -> None:
    """#7419"""
    with scene(DUPLICATE_MESSAGE=1.0) as story:
        request = story.ask("job")
        play(story)
        assert request.ends == ["ready"]
        assert len(request.last["archives"]) == 1


def test_throttled_sends_do_not_multiply_messages() -> None:
    """#7673"""
    with scene(QUEUE_THROTTLED=0.3, PARTIAL_SEND=0.3) as story:
        request = story.ask("job")
        play(story)
        assert request.ends == ["ready"]
        batches = len(request.keys) // 2
        assert story.deployment.messages["CheckBatch"] < 4 * batches


def test_many_requests_for_one_job_make_one() -> None:
    """#8142"""
    with scene() as story:
        requests = [story.ask(f"request {number}", key="the-same") for number in range(50)]
        play(story)
        assert len({request.job_id for request in requests}) == 1
        assert story.deployment.messages["PlanArchive"] == 1


def test_two_identical_jobs_in_lockstep_do_not_meet() -> None:
    """#8162"""
    with scene() as story:
        requests = [story.ask("one"), story.ask("other")]
        play(story)
        assert [request.ends for request in requests] == [["ready"], ["ready"]]
        assert len({request.job_id for request in requests}) == 2
