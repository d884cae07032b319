"""Archives from the first message to the finished object, on fakes that are as strict as AWS."""

from __future__ import annotations

import io
import json
import random
import zipfile

import pytest

from chalicelib.jobs.model import JobStatus
from tests.support.assembly_world import SMALL, AssemblyWorld
from tests.support.fake_assembly import FakeStore

SHAPES = {
    "one small file": [10],
    "one large file": [9_000],
    "three": [10, 700, 9_000],
    "many tiny": [7] * 150,
    "large only": [4_000] * 12,
    "around the smallest part": [499, 500, 501, 1_499, 1_500, 1_501],
    "a mix": [5, 12_000, 0, 800, 3, 3, 3, 30_000, 1_200, 70_000, 0],
    "past the part limit": [1_600] * 100,
    "empty files": [0, 0, 0],
}
STORES = {
    "copies tell": ("auto", {"copies_tell": True}),
    "heads tell": ("auto", {"heads_tell": True}),
    "both tell": ("auto", {"copies_tell": True, "heads_tell": True}),
    "nobody tells": ("auto", {}),
    "read anyway": ("read", {"copies_tell": True, "heads_tell": True}),
}


def bodies(sizes: list[int]) -> dict[int, bytes | None]:
    chance = random.Random(1)
    return {70_000 + n: chance.randbytes(size) for n, size in enumerate(sizes)}


def world(name: str) -> AssemblyWorld:
    crcs, tells = STORES[name]
    return AssemblyWorld(FakeStore(SMALL, **tells), crcs=crcs)


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_becomes_a_valid_archive(shape: str, store: str) -> None:
    here, wanted = world(store), bodies(SHAPES[shape])
    job = here.start_archive(wanted)
    here.work_off()
    after = here.job(job.job_id)
    assert (after.status, after.error) == (JobStatus.READY, None)
    with zipfile.ZipFile(io.BytesIO(here.archive_bytes(job))) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()[:-1]} == {
            f"{number}.zip": body for number, body in wanted.items()
        }
        manifest = json.loads(archive.read("MANIFEST.json"))
    assert [file["file_id"] for file in manifest["files"]] == list(wanted)


def test_nothing_of_a_finished_job_stays_but_its_archive() -> None:
    here = world("copies tell")
    job = here.start_archive(bodies(SHAPES["a mix"]))
    here.work_off()
    assert list(here.bucket.objects) == [f"archives/{job.job_id}/1-1.zip"]
    assert here.bucket.uploads == {}
