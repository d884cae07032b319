"""The app on fakes, with jobs in every state that a request may find."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import msgspec
from chalice.test import HTTPResponse

from chalicelib.assembly.model import Archive, CrcSource, MultipartUpload, Phase
from chalicelib.jobs.model import ArchiveRequest, Failure, Job, JobStatus
from chalicelib.limits import MAX_BODY_BYTES
from tests.support.builders import JOB_TTL
from tests.support.services import WorldServices

JOBS = "/v1/download"
INITIATE, CHECK, START = f"{JOBS}/initiate", f"{JOBS}/check", f"{JOBS}/start"
NOBODY = "6f6b0f9e-0000-4000-8000-000000000009"
JSON = {"Content-Type": "application/json"}
FILE, FILES, IDS = b'{"file_id":70000}', b'{"file_ids":[70000]}', [70000]
KEY = {"Idempotency-Key": "first"}
TOO_LARGE = FILES.ljust(MAX_BODY_BYTES + 1)


@dataclass
class OneArchive:
    """AssemblyTable of which only the archives are read: every job has one."""

    def archives(self, job_id: str, generation: int) -> list[Archive]:
        archive = Archive(
            job_id=job_id,
            generation=generation,
            number=1,
            filename="photos.zip",
            size=1_000,
            entries=2,
            parts=1,
            crc_source=CrcSource.COPY,
            verified=True,
            cost={"bytesRead": 0, "dollars": "0.0001"},
            plan="",
            upload=MultipartUpload("archives/1.zip", "upload"),
            chunks={},
            work=1_000,
            phase=Phase.DONE,
        )
        return [archive]


@dataclass
class Api:
    """Calls, and ids of jobs in some state."""

    services: WorldServices
    http: Any

    @property
    def world(self) -> Any:
        return self.services.world

    def get(self, path: str, headers: dict[str, str] | None = None) -> HTTPResponse:
        return self.call("GET", path, headers)

    def post(self, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> HTTPResponse:
        return self.call("POST", path, JSON | (headers or {}), body)

    def call(self, method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b"") -> HTTPResponse:
        answer: HTTPResponse = self.http.request(method, path, headers=headers or {}, body=body)
        return answer

    def queued(self, *numbers: int) -> str:
        body = json.dumps({"file_ids": numbers or IDS}).encode()
        return str(self.post(INITIATE, body).json_body["jobId"])

    def ready(self, *numbers: int) -> str:
        for number in numbers or IDS:
            self.world.store.put(f"downloads/{number}.zip")
        job_id = self.queued(*numbers)
        self.world.work_off()
        return job_id

    def failed(self) -> str:
        """Of something that another attempt could mend."""
        return self.changed(self.queued(), status=JobStatus.FAILED, error=Failure("storage_unavailable", "it is down"))

    def archived(self) -> str:
        self.services.__dict__["assembly_table"] = OneArchive()
        return self.changed(self.ready(), archive=ArchiveRequest())

    def expired(self) -> str:
        job_id = self.ready()
        self.world.clock.advance(JOB_TTL)
        return job_id

    def changed(self, job_id: str, **changes: Any) -> str:
        job: Job = self.world.job(job_id)
        self.world.table.jobs[job_id] = msgspec.structs.replace(job, **changes)
        return job_id

    def etag(self, job_id: str) -> str:
        return str(self.get(f"{JOBS}/status/{job_id}").headers["ETag"])
