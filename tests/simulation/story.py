"""What happens to a simulated deployment: files that change, users who start, cancel, retry and repeat, and others.

Everything is drawn from the seed. Users notice at once what no answer may say: progress that goes back, counts that
do not add up, a job that is ready after it was cancelled.
"""

from __future__ import annotations

import random
import traceback
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.deployment import ARCHIVES, SOURCE, Deployment
from tests.simulation.s3.buckets import MIN_PART_BYTES
from tests.simulation.s3.content import Content
from tests.simulation.s3.objects import Refusal, StoredObject

ENDED = frozenset({"ready", "failed", "cancelled"})
UNANSWERED = frozenset({429, 502, 503})
LARGE_BYTES = 6 * 1024 * 1024  # above the smallest part of an upload, so that it is copied
LOWERED_BYTES = 30_000  # where the smallest part has a hundred bytes: three copies
PREFIX = "downloads/"
PATIENCE_SECONDS = 8 * 3600.0


class Violation(AssertionError):
    """The service did what it must never do."""


@dataclass(frozen=True, slots=True)
class Version:
    """What a key held from a moment on; None where it held nothing."""

    since_ms: int
    stored: StoredObject | None

    def states(self, *, listed: bool) -> frozenset[str]:
        """What a job may say of it: a listing notices no refusal, and a HEAD without checksum none of KMS."""
        if self.stored is None:
            return frozenset({"missing"})
        if self.stored.refusal and (listed or self.stored.refusal is Refusal.KMS):
            return frozenset({"failed", "available"})
        return frozenset({"failed" if self.stored.refusal or self.stored.is_archived else "available"})


class Files:
    """The source bucket, and what each key held when."""

    def __init__(self, deployment: Deployment, chance: random.Random) -> None:
        self._bucket = deployment.s3.buckets[SOURCE]
        self._scheduler, self._chance = deployment.scheduler, chance
        self.history: dict[str, list[Version]] = {}
        self._made = 0

    def put(self, key: str, size: int) -> None:
        """A new object of so many bytes, whatever was there."""
        self._made += 1
        content = Content.made(size, self._made) if size >= LARGE_BYTES else Content.of(self._chance.randbytes(size))
        etag = content.md5().hex()
        self._keep(key, StoredObject(key, content, etag, self._scheduler.true_ms))

    def delete(self, key: str) -> None:
        self._bucket.delete(key)
        self._note(key, None)

    def refuse(self, key: str, how: Refusal | str) -> None:
        """The object stays, and cannot be read: by a refusal, or because it is archived."""
        old = self._bucket.objects.get(key)
        if old is None:
            return
        made = StoredObject(key, old.content, old.etag, old.modified_ms)
        if isinstance(how, Refusal):
            made.refusal = how
        else:
            made.storage_class = how
        self._keep(key, made)

    def _keep(self, key: str, stored: StoredObject) -> None:
        self._bucket.put(stored)
        self._note(key, stored)

    def _note(self, key: str, stored: StoredObject | None) -> None:
        self.history.setdefault(key, []).append(Version(self._scheduler.true_ms, stored))

    def versions(self, key: str, since_ms: int, until_ms: int) -> list[Version]:
        """What the key held at some moment of this time."""
        found = self.history.get(key, [])
        first = Version(0, None)
        during = []
        for version in found:
            if version.since_ms <= since_ms:
                first = version
            elif version.since_ms <= until_ms:
                during.append(version)
        return [first, *during]

    def content(self, key: str, etag: str) -> Content:
        """What a version of a key consists of. Raises Violation if there never was one."""
        for version in self.history.get(key, ()):
            if version.stored is not None and version.stored.etag == etag:
                return version.stored.content
        raise Violation(f"{key} never had the ETag {etag}")


@dataclass(eq=False)
class Request:
    """A request for a job, and what became of it as its user sees it."""

    name: str
    body: Mapping[str, Any]
    keys: Sequence[str]
    job_id: str = ""
    ticket: str = ""  # as the service gave it out; none while it could not read its secret
    began_ms: int = 0
    last: Mapping[str, Any] = field(default_factory=dict)
    ends: list[str] = field(default_factory=list)  # one for each time it was started or retried
    retried: int = 0
    retry_refused: bool = False
    cancelled: bool = False
    purged: bool = False
    sockets: list[str] = field(default_factory=list)
    subscribed: set[str] = field(default_factory=set)  # those of the sockets whose subscription was taken

    @property
    def key(self) -> str:
        """Its Idempotency-Key."""
        return self.name.replace(" ", "-")


class Story:
    """Draws what happens and lets it happen. `requests` are the jobs that were asked for."""

    def __init__(self, deployment: Deployment, seed: int) -> None:
        self.deployment = deployment
        self.chance = random.Random(f"story {seed}")
        self._impatience = random.Random(f"impatience {seed}")
        self.files = Files(deployment, self.chance)
        self.violations: list[str] = []
        self.requests: list[Request] = []
        self.users = 0
        self.happened: Counter[str] = Counter()  # beside faults
        self._fill()
        self._draw()

    # --- what there is

    def _fill(self) -> None:
        self._large = LARGE_BYTES if self.deployment.s3.min_part == MIN_PART_BYTES else LOWERED_BYTES
        for number in range(self.chance.randint(3, 25)):
            key = f"{PREFIX}{number // 10}/{number:02}.bin"
            kind = self.chance.random()
            if kind < 0.08:
                continue  # nothing there
            large = self.chance.random() < 0.12
            self.files.put(key, self._large if large else self.chance.randint(0, 3_000))
            if kind < 0.14:
                how: Refusal | str = self.chance.choice([*Refusal, "GLACIER"])
                self.files.refuse(key, how)
        self._keys = [f"{PREFIX}{number // 10}/{number:02}.bin" for number in range(25)]

    def _draw(self) -> None:
        for number in range(self.chance.choice((1, 1, 2, 3))):
            self._request(number)
        self._others()

    def _request(self, number: int) -> None:
        body: dict[str, Any]
        if self.chance.random() < 0.2:
            keys = sorted(self.files.history)
            body = {"prefix": PREFIX}
        else:
            keys = self.chance.sample(self._keys, self.chance.randint(1, len(self._keys)))
            body = {"keys": keys}
        if self.chance.random() < 0.7:
            missing = "fail" if self.chance.random() < 0.1 else "skip"
            layout, listed = self.chance.choice(("flat", "tree")), self.chance.random() < 0.8
            body["archive"] = {"layout": layout, "onMissing": missing, "manifest": listed}
        if self.chance.random() < 0.4:
            body["callbackUrl"] = "https://receiver.test/hook"
        request = Request(f"job {number}", body, keys)
        self.requests.append(request)
        self._spawn(request.name, self._use, request)
        if self.chance.random() < 0.1:  # an identical request, in lockstep
            self.happened["an identical request in lockstep"] += 1
            twin = Request(f"twin {number}", body, keys)
            self.requests.append(twin)
            self._spawn(twin.name, self._use, twin)

    def _others(self) -> None:
        """Owners of files who replace, remove and lock them, one who aborts uploads, one who rotates the secret."""
        if self.chance.random() < 0.4:
            self._spawn("owner", self._change_files)
        if self.chance.random() < 0.15:
            self._spawn("stranger", self._abort_uploads)
        if self.chance.random() < 0.15:
            self._spawn("operator", self._rotate_secret)

    # --- who does it

    def _spawn(self, name: str, function: Callable[..., None], *arguments: Any) -> None:
        self.users += 1

        def run() -> None:
            try:
                function(*arguments)
            except Violation as violation:
                self.violations.append(f"{name}: {violation}")
            except Exception as error:
                self.violations.append(f"{name} met {error!r}: {traceback.format_exc(limit=-3)}")
            finally:
                self.users -= 1

        self.deployment.scheduler.spawn(name, run)

    def _pause(self, least: float, most: float) -> None:
        self.deployment.scheduler.sleep(self.chance.uniform(least, most))

    def _change_files(self) -> None:
        for _ in range(self.chance.randint(1, 5)):
            self._pause(0.0, 15.0)
            key = self.chance.choice(self._keys)
            match self.chance.randrange(3):
                case 0:
                    self.happened["a file replaced"] += 1
                    self.files.put(key, self.chance.randint(0, 3_000))
                case 1:
                    self.happened["a file deleted"] += 1
                    self.files.delete(key)
                case _:
                    self.happened["a file made unreadable"] += 1
                    self.files.refuse(key, self.chance.choice([*Refusal, "GLACIER"]))

    def _abort_uploads(self) -> None:
        for _ in range(self.chance.randint(1, 3)):
            self._pause(0.0, 10.0)
            uploads = self.deployment.s3.buckets[ARCHIVES].uploads
            if uploads:
                self.happened["an upload aborted by others"] += 1
                uploads.pop(self.chance.choice(sorted(uploads)))

    def _rotate_secret(self) -> None:
        self._pause(0.0, 30.0)
        self.happened["the secret rotated"] += 1
        self.deployment.secrets.rotate()

    def _use(self, request: Request) -> None:
        self._pause(0.0, 5.0)
        self._start(request)
        cancels = self.chance.random() < 0.12
        retries = self.chance.random() < 0.2
        if self.chance.random() < 0.3:
            self._watch(request)
        if cancels:
            self._pause(0.0, 20.0)
            self._cancel(request)
        elif self._impatience.random() < 0.15:
            self._retry_early(request)
        self._follow(request)
        if retries and not request.cancelled:
            self._pause(0.0, 300.0)
            self._retry(request)
        self._read_links(request)
        if self.chance.random() < 0.1:
            self._purge(request)

    def _ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """An answer; who gets none, or is to come later, asks again."""
        end = self.deployment.scheduler.true_ms + PATIENCE_SECONDS * 1000
        while self.deployment.scheduler.true_ms < end:
            status, answer = self.deployment.call(method, path, body, **headers)
            if status == 500:
                raise Violation(f"{method} {path}: {answer}")
            if status not in UNANSWERED:
                return status, answer
            self._pause(0.5, 5.0)
        raise Violation(f"{method} {path} was not answered in {PATIENCE_SECONDS:.0f} s")

    def _start(self, request: Request) -> None:
        request.began_ms = self.deployment.scheduler.true_ms
        status, answer = self._ask("POST", "/v1/download/initiate", request.body, Idempotency_Key=request.key)
        if status != 202:
            raise Violation(f"initiate answered {status}: {answer}")
        request.job_id, request.ticket = answer["jobId"], answer["ticket"] or ""
        if self.chance.random() < 0.1:  # again, though it was answered
            self.happened["an Idempotency-Key repeated"] += 1
            _, again = self._ask("POST", "/v1/download/initiate", request.body, Idempotency_Key=request.key)
            if again.get("jobId") != request.job_id:
                raise Violation(f"one Idempotency-Key made two jobs: {request.job_id} and {again}")

    def _status(self, request: Request) -> Mapping[str, Any]:
        status, answer = self._ask("GET", f"/v1/download/status/{request.job_id}")
        if status != 200:
            raise Violation(f"the status of an accepted job answered {status}: {answer}")
        self._check_status(request, answer)
        request.last = answer
        return request.last

    def _check_status(self, request: Request, answer: Mapping[str, Any]) -> None:
        counts, before = answer["counts"], request.last
        if answer["processed"] != sum(counts.values()):
            raise Violation(f"processed {answer['processed']} and counts {counts}")
        if answer["total"] is not None and answer["processed"] > answer["total"]:
            raise Violation(f"processed {answer['processed']} of {answer['total']}")
        if before and answer["progress"] < before["progress"]:
            raise Violation(f"progress went back from {before['progress']} to {answer['progress']}")
        if before and before["status"] in ENDED and answer["status"] != before["status"]:
            raise Violation(f"{before['status']} became {answer['status']}")

    def _follow(self, request: Request) -> None:
        end = self.deployment.scheduler.true_ms + PATIENCE_SECONDS * 1000
        while self._status(request)["status"] not in ENDED:
            if self.deployment.scheduler.true_ms > end:
                raise Violation(f"the job did not end in {PATIENCE_SECONDS:.0f} s: {request.last}")
            self._pause(1.0, 10.0)
        request.ends.append(request.last["status"])
        if request.last["status"] == "cancelled" and not request.cancelled:
            raise Violation("the job was cancelled by nobody")

    def _cancel(self, request: Request) -> None:
        request.cancelled = True
        self.happened["a cancel"] += 1
        status, answer = self._ask("DELETE", f"/v1/download/{request.job_id}")
        if status not in (202, 409):
            raise Violation(f"cancel answered {status}: {answer}")
        if status == 202 and answer["status"] != "cancelled":
            raise Violation(f"cancel was accepted, and the job is {answer['status']}")
        request.last = answer if status == 202 else request.last

    def _retry(self, request: Request) -> None:
        path = f"/v1/download/{request.job_id}/retry"
        self.happened["a retry"] += 1
        status, answer = self._ask("POST", path, Idempotency_Key=f"retry-{request.key}")
        if status == 409:
            request.retry_refused = True
            return
        if status != 202:
            raise Violation(f"retry answered {status}: {answer}")
        request.retried += 1
        request.last = {}
        self._follow(request)

    def _retry_early(self, request: Request) -> None:
        """A retry at any moment: refused until the job has ended, and also then if there is nothing to retry."""
        self.deployment.scheduler.sleep(self._impatience.uniform(0.0, 20.0))
        self.happened["a retry at any moment"] += 1
        path = f"/v1/download/{request.job_id}"
        status, answer = self._ask("POST", f"{path}/retry", Idempotency_Key=f"early-{request.key}")
        if status not in (202, 409):
            raise Violation(f"an early retry answered {status}: {answer}")
        if status == 202:
            _, page = self._ask("GET", f"{path}/events?limit=1000")
            kinds = [event["kind"] for event in page["events"]]
            request.ends += [kind for kind in kinds[: kinds.index("retried")] if kind in ENDED]
            request.retried += 1

    def _purge(self, request: Request) -> None:
        request.purged = True
        self.happened["a purge"] += 1
        for _ in range(2):
            status, answer = self._ask("DELETE", f"/v1/download/{request.job_id}?purge=true")
            if status != 204:
                raise Violation(f"purge answered {status}: {answer}")
        status, answer = self._ask("GET", f"/v1/download/status/{request.job_id}")
        if status != 410:
            raise Violation(f"the status of a purged job answered {status}: {answer}")

    def _watch(self, request: Request) -> None:
        connection = f"connection of {request.name}"
        if self.deployment.open_socket(connection, request.ticket):
            request.sockets.append(connection)
            if self.deployment.send_on_socket(connection, action="subscribe", jobId=request.job_id):
                request.subscribed.add(connection)

    def _read_links(self, request: Request) -> None:
        """Every stable address leads where the status says, with a ticket too, which a browser has."""
        if request.last["status"] != "ready":
            return
        if request.last["archives"]:
            path = f"/v1/download/{request.job_id}/archives/0"
        else:
            states = [file["state"] for file in request.last["files"]]
            path = f"/v1/download/{request.job_id}/files/{states.index('available')}"
        ticket = self._status(request)["ticket"]
        for address in (path, f"{path}?ticket={ticket}") if ticket else (path,):
            status, answer = self._ask("GET", address)
            if status != 302:
                raise Violation(f"{address} of a ready job answered {status}: {answer}")
