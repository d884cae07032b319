"""Finding the files of a job of a prefix."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from msgspec.structs import replace

from chalicelib.checking.checker import Checked
from chalicelib.checking.lister import SLICE_MS, SMALLEST_BATCH, PrefixLister
from chalicelib.errors import StorageUnavailable
from chalicelib.jobs.model import ArchiveRequest, Counts, FileState, Job, JobStatus
from chalicelib.jobs.ports import Listing, StoredObject
from chalicelib.jobs.service import NewJob
from chalicelib.limits import MAX_BATCH_KEY_BYTES, MAX_FILES_PER_BATCH, MAX_FILES_PER_JOB
from chalicelib.messages import ListPrefix, PlanArchive
from tests.support.builders import ALICE, World
from tests.support.fakes import FakeSourceStore

PREFIX = "downloads/a/"


def started(*names: str, archive: ArchiveRequest | None = None) -> tuple[World, Job]:
    """A job of everything below PREFIX, where there are files with these names."""
    world = World()
    for name in names:
        world.store.put(PREFIX + name)
    job, _ = world.service.start(NewJob([], 0, 3_600, archive, PREFIX), ALICE)
    return world, job


def find(world: World, job: Job) -> Checked:
    return world.lister.find(ListPrefix(job.job_id))


def keys(world: World, job: Job) -> list[str]:
    return [file.key for file, _ in world.service.files(world.job(job.job_id), first=0, limit=1_000).files]


def test_a_job_of_a_prefix_begins_with_its_listing_and_knows_no_total() -> None:
    world, job = started("1")
    assert world.queue.messages == [ListPrefix(job.job_id)]
    assert (job.listed, job.total, job.all_checked) == (False, 0, False)


def test_everything_below_the_prefix_is_found_in_order_and_is_checked_by_being_listed() -> None:
    world, job = started("2", "1", "b/3")
    world.store.put("downloads/b")
    assert find(world, job) is Checked.RECORDED
    after = world.job(job.job_id)
    assert keys(world, job) == [f"{PREFIX}1", f"{PREFIX}2", f"{PREFIX}b/3"]
    assert (after.status, after.total, after.counts, after.size) == (JobStatus.READY, 3, Counts(3, 0, 0), 30)


def test_a_key_that_ends_in_a_slash_marks_a_folder_unless_it_has_bytes() -> None:
    world, job = started("1", "b/", "b/2", "c/")
    world.store.put(f"{PREFIX}b/", size=0)
    find(world, job)
    after = world.job(job.job_id)
    rows = world.service.files(after, first=0, limit=10).files
    assert {file.key.removeprefix(PREFIX): result.state for file, result in rows} == {
        "1": FileState.AVAILABLE,
        "b/": FileState.FOLDER,
        "b/2": FileState.AVAILABLE,
        "c/": FileState.AVAILABLE,
    }
    assert (after.status, after.total, after.counts) == (JobStatus.READY, 4, Counts(3, 0, 0, 1))


def test_markers_alone_are_no_files() -> None:
    world, job = started()
    world.store.put(f"{PREFIX}b/", size=0)
    find(world, job)
    after = world.job(job.job_id)
    assert (after.status, after.error and after.error.code) == (JobStatus.FAILED, "no_files_available")


def test_an_object_in_cold_storage_is_listed_as_failed() -> None:
    world, job = started("1")
    world.store.objects[f"{PREFIX}2"] = StoredObject(7, "etag", 0, archived=True)
    find(world, job)
    results = world.table.read_results(world.job(job.job_id), [0])[0]
    assert [result.state for result in results] == [FileState.AVAILABLE, FileState.FAILED]


def test_a_listed_job_with_an_archive_goes_on_to_its_plan() -> None:
    world, job = started("1", archive=ArchiveRequest())
    world.queue.messages.clear()
    find(world, job)
    assert world.queue.messages == [PlanArchive(job.job_id, 1)]


@pytest.mark.parametrize(("count", "size"), [(1, MAX_FILES_PER_BATCH), (1_000, MAX_BATCH_KEY_BYTES // 1_000)])
def test_the_batches_of_a_listing_fit_its_keys(count: int, size: int) -> None:
    world, job = started("x" * (count - len(PREFIX)) if count > 1 else "x")
    find(world, job)
    assert world.job(job.job_id).batch_size == size


def test_a_prefix_without_files_fails_its_job() -> None:
    world, job = started()
    assert find(world, job) is Checked.DROPPED
    error = world.job(job.job_id).error
    assert error is not None and error.code == "no_files_available"


class EndlessStore(FakeSourceStore):
    """Lists objects for as long as it is asked."""

    listed = 0

    def pages_below(self, prefix: str, *, after: str = "") -> Iterator[Listing]:
        while True:
            first, self.listed = self.listed, self.listed + 1_000
            keys = [f"{prefix}{number:09d}" for number in range(first, self.listed)]
            yield Listing(tuple((key, StoredObject(1, "etag", 0)) for key in keys), token=keys[-1])


def lister(world: World, store: FakeSourceStore) -> PrefixLister:
    return PrefixLister(world.table, store, world.lifecycle, world.clock, lambda: "another")


def test_a_prefix_with_too_many_files_fails_its_job_after_one_page_too_many() -> None:
    world, job = started()
    store = EndlessStore()
    assert lister(world, store).find(ListPrefix(job.job_id)) is Checked.DROPPED
    error = world.job(job.job_id).error
    assert error is not None and error.code == "too_many_files" and PREFIX in error.message
    assert (store.listed, world.table.requests) == (MAX_FILES_PER_JOB + 1_000, {})


def test_an_outage_is_noted_and_the_message_tried_again() -> None:
    world, job = started("1")
    world.store.down = True
    with pytest.raises(StorageUnavailable):
        world.handle(ListPrefix(job.job_id))
    assert world.table.errors[job.job_id, None].code == "storage_unavailable"
    assert [line.kind for line in world.table.trail[job.job_id]] == ["created", "started", "listing_retried"]
    world.store.down = False
    assert find(world, job) is Checked.RECORDED


def test_another_copy_of_the_message_does_not_list_again() -> None:
    world, job = started("1", archive=ArchiveRequest())
    find(world, job)
    world.store.down = True
    assert find(world, job) is Checked.REPEATED


def test_nothing_is_listed_for_a_job_that_has_ended() -> None:
    world, job = started("1")
    world.service.cancel(job.job_id, ALICE)
    assert find(world, job) is Checked.DROPPED
    assert world.table.requests == {}


class MeanwhileStore(FakeSourceStore):
    """Something happens while the store is listing."""

    def __init__(self, happens: Callable[[], object]) -> None:
        super().__init__()
        self.happens = happens

    def pages_below(self, prefix: str, *, after: str = "") -> Iterator[Listing]:
        yield from super().pages_below(prefix, after=after)
        self.happens()


def test_of_two_listings_at_once_the_first_counts_with_its_own_files() -> None:
    world, job = started("1", "2")
    slow = MeanwhileStore(lambda: find(world, job))
    slow.put(f"{PREFIX}other")
    assert lister(world, slow).find(ListPrefix(job.job_id)) is Checked.REPEATED
    assert keys(world, job) == [f"{PREFIX}1", f"{PREFIX}2"]
    assert world.job(job.job_id).counts == Counts(2, 0, 0)


def test_a_cancel_in_the_middle_of_a_listing_wins() -> None:
    world, job = started()
    slow = MeanwhileStore(lambda: world.service.cancel(job.job_id, ALICE))
    slow.put(f"{PREFIX}1")
    lister(world, slow).find(ListPrefix(job.job_id))
    after = world.job(job.job_id)
    assert (after.status, after.listed, after.total) == (JobStatus.CANCELLED, False, 0)


# --- listings that one message does not end ---------------------------------------------


class SlowStore(FakeSourceStore):
    """Each page of two takes as long as a message lists."""

    def __init__(self, world: World) -> None:
        super().__init__(page=2)
        self.world = world
        self.asked: list[str] = []
        self.broken_after = ""

    def pages_below(self, prefix: str, *, after: str = "") -> Iterator[Listing]:
        self.asked.append(after)
        for page in super().pages_below(prefix, after=after):
            if self.broken_after and page.objects[0][0] > self.broken_after:
                raise StorageUnavailable(prefix, "it is down")
            self.world.clock.advance(SLICE_MS / 1000)
            yield page


def slow(*names: str, batch: int = 2) -> tuple[World, Job, SlowStore]:
    world = World()
    store = SlowStore(world)
    world.lister = replace(world.lister, store=store)
    for name in names:
        store.put(PREFIX + name)
    service = replace(world.service, files_per_batch=batch)
    job, _ = service.start(NewJob([], 0, 3_600, ArchiveRequest(), PREFIX), ALICE)
    world.queue.messages.clear()
    return world, job, store


def the_next(world: World) -> ListPrefix:
    (message,) = world.queue.messages
    world.queue.messages.clear()
    assert isinstance(message, ListPrefix)
    return message


def test_a_slow_listing_is_continued_by_further_messages_after_the_last_key_found() -> None:
    world, job, store = slow("1", "2", "3", "4", "5")
    assert find(world, job) is Checked.RECORDED
    after = world.job(job.job_id)
    assert (after.listed, after.counts, after.listed_to) == (False, Counts(2, 0, 0), f"{PREFIX}2")
    assert (after.progress, keys(world, job)) == (0, [])  # a listing may begin again
    message = the_next(world)
    assert message == ListPrefix(job.job_id, 1, 1)
    assert world.lister.find(message) is Checked.RECORDED
    assert world.lister.find(the_next(world)) is Checked.RECORDED
    after = world.job(job.job_id)
    assert (after.listed, after.total, after.counts, after.size) == (True, 5, Counts(5, 0, 0), 50)
    assert keys(world, job) == [f"{PREFIX}{number}" for number in range(1, 6)]
    assert store.asked == ["", f"{PREFIX}2", f"{PREFIX}4"]
    assert world.queue.messages == [PlanArchive(job.job_id, 1)]


def test_a_listing_ends_where_nothing_follows() -> None:
    world, job, store = slow("1", "2", "3")
    find(world, job)
    del store.objects[f"{PREFIX}3"]
    world.lister.find(the_next(world))
    after = world.job(job.job_id)
    assert (after.listed, after.total, keys(world, job)) == (True, 2, [f"{PREFIX}1", f"{PREFIX}2"])


def test_files_that_make_no_whole_batch_are_listed_again() -> None:
    world, job, store = slow("1", "2", "3", "4", "5", batch=3)
    find(world, job)
    assert world.job(job.job_id).total == 3
    world.lister.find(the_next(world))
    assert store.asked == ["", f"{PREFIX}3"]
    assert keys(world, job) == [f"{PREFIX}{number}" for number in range(1, 6)]


def test_a_crash_before_the_next_message_loses_nothing() -> None:
    world, job, _ = slow("1", "2", "3", "4")
    find(world, job)
    the_next(world)
    assert find(world, job) is Checked.RECORDED  # the message comes back
    assert world.job(job.job_id).total == 4


def test_an_outage_costs_only_what_was_listed_since_the_last_message() -> None:
    world, job, store = slow("1", "2", "3")
    find(world, job)
    message = the_next(world)
    store.down = True
    with pytest.raises(StorageUnavailable):
        world.lister.find(message)
    store.down = False
    assert world.lister.find(message) is Checked.RECORDED
    assert store.asked == ["", f"{PREFIX}2", f"{PREFIX}2"]
    assert world.job(job.job_id).total == 3


def test_a_page_that_is_refused_costs_nothing_that_was_found_before_it() -> None:
    world, job, store = slow("1", "2", "3", "4", "5")
    world.lister = replace(world.lister, slice_ms=10 * SLICE_MS)
    store.broken_after = f"{PREFIX}2"
    assert find(world, job) is Checked.RECORDED
    assert world.job(job.job_id).total == 2
    message = the_next(world)
    with pytest.raises(StorageUnavailable):
        world.lister.find(message)  # there is nothing to save
    store.broken_after = ""
    assert world.lister.find(message) is Checked.RECORDED
    assert store.asked == ["", f"{PREFIX}2", f"{PREFIX}2"]
    assert keys(world, job) == [f"{PREFIX}{number}" for number in range(1, 6)]


def test_of_two_copies_of_a_message_one_continues() -> None:
    world, job, _ = slow("1", "2", "3", "4", "5", "6")
    find(world, job)
    message = the_next(world)
    meanwhile = MeanwhileStore(lambda: world.lister.find(message))
    meanwhile.objects, meanwhile.page = dict(world.lister.store.objects), 2  # type: ignore[attr-defined]
    assert lister(world, meanwhile).find(message) is Checked.REPEATED
    assert world.job(job.job_id).total == 4
    world.lister.find(the_next(world))
    assert keys(world, job) == [f"{PREFIX}{number}" for number in range(1, 7)]


def test_a_listing_begins_again_in_small_batches_where_keys_get_longer() -> None:
    names = [*(f"a{number:03}" for number in range(200)), *("x" * 900 + f"{number:02}" for number in range(40))]
    world, job, store = slow(*names, batch=MAX_FILES_PER_BATCH)
    store.page = 200
    find(world, job)
    assert world.job(job.job_id).batch_size == MAX_FILES_PER_BATCH
    world.lister.find(the_next(world))
    after = world.job(job.job_id)
    assert (after.listed, after.total, after.counts, after.batch_size) == (False, 0, Counts(), SMALLEST_BATCH)
    while not world.job(job.job_id).listed:
        world.lister.find(the_next(world))
    after = world.job(job.job_id)
    assert (after.total, after.counts, after.checked) == (240, Counts(240, 0, 0), after.batches)
    assert keys(world, job) == [PREFIX + name for name in names]


def test_too_many_files_are_noticed_over_several_messages() -> None:
    world, job, store = slow(*(f"{number:06}" for number in range(MAX_FILES_PER_JOB + 1)), batch=200)
    store.page = 60_000
    find(world, job)
    world.lister.find(the_next(world))
    after = world.job(job.job_id)
    assert after.error is not None and after.error.code == "too_many_files"


def test_a_dead_letter_of_an_earlier_part_of_a_listing_fails_no_job() -> None:
    world, job, _ = slow("1", "2", "3")
    find(world, job)
    assert world.lifecycle.give_up(ListPrefix(job.job_id)) is None
    assert not world.job(job.job_id).status.ended
    assert world.lifecycle.give_up(the_next(world)) is not None


def test_a_retry_lists_all_anew() -> None:
    world, job, store = slow("1", "2", "3")
    store.objects[f"{PREFIX}1"] = StoredObject(7, "etag", 0, archived=True)
    find(world, job)
    world.lifecycle.give_up(the_next(world))
    store.put(f"{PREFIX}1")
    after, _ = world.service.retry(job.job_id, ALICE)
    assert (after.total, after.counts, after.size, after.checked, after.listed_to) == (0, Counts(), 0, 0, "")
    (message,) = [message for message in world.queue.messages if isinstance(message, ListPrefix)]
    assert message == ListPrefix(job.job_id, 2)
    world.queue.messages.clear()
    world.lister.find(message)
    world.lister.find(the_next(world))
    assert world.job(job.job_id).counts == Counts(3, 0, 0)
    assert keys(world, job) == [f"{PREFIX}{number}" for number in range(1, 4)]
