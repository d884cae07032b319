"""A client of the original Node service, written from its published contract alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

from tests.integration.stack import RunningStack, wait_for


@dataclass(frozen=True)
class OldClient:
    """What a program that knows the original service does: it takes any 2xx, and of an answer only what it knows."""

    http: httpx.Client

    def initiate(self, file_ids: list[int]) -> dict[str, Any]:
        return self._post("/v1/download/initiate", {"file_ids": file_ids})

    def status(self, job_id: str) -> dict[str, Any]:
        answer = self.http.get(f"/v1/download/status/{job_id}")
        assert answer.is_success
        document: dict[str, Any] = answer.json()
        return document

    def wait(self, job_id: str) -> dict[str, Any]:
        """Polls until the job is neither queued nor being processed."""
        return wait_for("the end of the job", lambda: self._ended(job_id), seconds=60, pause=0.2)

    def check(self, file_id: int) -> dict[str, Any]:
        return self._post("/v1/download/check", {"file_id": file_id})

    def start(self, file_id: int) -> dict[str, Any]:
        return self._post("/v1/download/start", {"file_id": file_id})

    def _ended(self, job_id: str) -> dict[str, Any] | None:
        found = self.status(job_id)
        return None if found["status"] in ("queued", "processing") else found

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self.http.post(path, json=body)
        assert answer.is_success, answer.text
        document: dict[str, Any] = answer.json()
        return document


def client_of(stack: RunningStack) -> OldClient:
    return OldClient(httpx.Client(base_url=stack.url, timeout=60))
