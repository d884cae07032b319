"""The way of a job as phases: checking its files and, when it has an archive, assembling it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lorry.command.wording import human_bytes, human_files
from lorry.model import Job


@dataclass(frozen=True)
class Phase:
    """One phase at one moment.

    `name` stays the same and `label` is what is shown; `done` of `total` is how far it is (files or bytes; None while
    that is unknown), and `detail` the same in words.
    """

    name: str
    label: str
    done: int
    total: int | None
    detail: str

    @property
    def percent(self) -> int | None:
        """How far it is in percent, None while that is unknown."""
        return None if self.total is None else min(100, self.done * 100 // self.total)


def phases_of(job: Job) -> Iterator[Phase]:
    """The phases that `job` has come to, the one it is in last."""
    yield _checking(job)
    if job.assembling:
        yield _assembling(job)


def _checking(job: Job) -> Phase:
    total = job.total or None
    done = total or 0 if job.assembling or job.ready else job.processed
    label = "checked" if job.assembling else _label(job)
    return Phase("checking", label, done, total, f"{done:,} of {human_files(total)}")


def _assembling(job: Job) -> Phase:
    total = job.bytes.total or None
    done = total or 0 if job.ready else job.bytes.done or 0
    detail = f"{human_bytes(done)} of {human_bytes(total)}"
    if len(job.archives) > 1:
        detail += f" in {len(job.archives):,} archives"
    return Phase("assembling", _label(job), done, total, detail)


def _label(job: Job) -> str:
    """What the job is at: its stage while it is processing, else its status."""
    return job.stage or job.status if job.status == "processing" else job.status
