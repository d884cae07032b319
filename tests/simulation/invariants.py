"""What must hold once everything has come to rest, and again when every job has expired."""

from __future__ import annotations

import io
import json
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from chalicelib.limits import MAX_TABLE_ITEM_BYTES
from tests.simulation.deployment import ARCHIVES, Deployment
from tests.simulation.dynamodb.items import size_of
from tests.simulation.faults import Fault
from tests.simulation.s3.objects import StoredObject
from tests.simulation.story import ENDED, Files, Request, Story, Violation

MANIFEST = "MANIFEST.json"
LEFT_TO_THE_BUCKET = "staging/probe/"  # its lifecycle removes what a killed probe leaves behind
SETTLING_MS = 5_000  # clocks of workers are off by less
# Planning sends itself several times, and cleaning up is done twice.
SENT_ONCE = frozenset({"DispatchJob", "ListPrefix", "CheckBatch", "BuildChunk", "SendWebhook"})
LOSING_WORK = (
    Fault.CRASH_BEFORE,
    Fault.CRASH_AFTER,
    Fault.STOP,
    Fault.UNREACHABLE,
    Fault.LOST_ANSWER,
    Fault.SLOW_CALL,
    Fault.TABLE_THROTTLED,
    Fault.QUEUE_THROTTLED,
    Fault.PARTIAL_SEND,
    Fault.DELAYED_MESSAGE,
    Fault.THROTTLED_INVOCATION,
)
ALWAYS_TRUE = frozenset({"no_files_available", "files_missing"})  # errors that say what is there


def check_at_rest(deployment: Deployment, story: Story) -> list[str]:
    """What is wrong while the jobs are kept."""
    found: list[str] = []
    for request in story.requests:
        if request.job_id:
            found += [f"{request.name} ({request.job_id}): {wrong}" for wrong in _job(deployment, story, request)]
    return [*found, *_queues(deployment), *_repeats(deployment), *_rows(deployment), *_store(deployment, story)]


def check_expired(deployment: Deployment) -> list[str]:
    """What is left of jobs that have expired, and should not be."""
    bucket = deployment.s3.buckets[ARCHIVES]
    found = [f"{key} is left of an expired job" for key in bucket.objects if not key.startswith(LEFT_TO_THE_BUCKET)]
    uploads = (upload.key for upload in bucket.uploads.values())
    found += [f"the upload of {key} is left" for key in uploads if not key.startswith(LEFT_TO_THE_BUCKET)]
    for item in deployment.table.items.values():
        if "open_shard" in item:
            found.append(f"{item['pk']['S']} still waits for the sweeper")
    return [*found, *_queues(deployment)]


def _job(deployment: Deployment, story: Story, request: Request) -> Iterator[str]:
    last = request.last
    if last.get("status") not in ENDED:
        yield f"is {last.get('status')} and not ended"
        return
    if request.purged:
        yield from _purged(deployment, request)
        return
    code, answer = deployment.answer("GET", f"/v1/download/status/{request.job_id}")
    if code != 200:
        yield f"its status answers {code}"
        return
    if answer["status"] != last["status"]:
        yield f"was {last['status']} and is {answer['status']}"
    yield from _results(story.files, request, answer)
    yield from _failure(story.files, request, answer)
    if answer["status"] == "ready" and answer["archive"]:
        yield from _archives(deployment, story.files, request, answer)
    yield from _events(deployment, request, answer)
    yield from _pushed(deployment, request)
    yield from _webhooks(deployment, request)


def _purged(deployment: Deployment, request: Request) -> Iterator[str]:
    """Of a purged job only its audit trail is left."""
    kinds = Counter({row["sk"]["S"].partition("#")[0] for row in deployment.rows_of(request.job_id)})
    if kinds["FILES"] or kinds["RESULT"]:
        yield f"is purged, and there are rows {sorted(kinds)}"
    code, page = deployment.answer("GET", f"/v1/download/{request.job_id}/events?limit=1000")
    if code != 200 or "purged" not in [event["kind"] for event in page["events"]]:
        yield f"is purged, and its audit trail answers {code}: {page}"


# --- files and counts


def _results(files: Files, request: Request, answer: Mapping[str, Any]) -> Iterator[str]:
    """Each file is what its key held at some moment of the job."""
    until_ms = _milliseconds(answer["finishedAt"]) + SETTLING_MS
    for file in answer["files"]:
        if file["state"] in ("unchecked", "pending"):
            if answer["status"] == "ready":
                yield f"{file['key']} is {file['state']} in a ready job"
            continue
        versions = files.versions(file["key"], request.began_ms, until_ms)
        states = {state for version in versions for state in version.states(listed="prefix" in request.body)}
        changed = len(versions) > 1 and str(file["reason"]).startswith("source_changed")
        if file["state"] not in states and not changed:
            yield f"{file['key']} is {file['state']} ({file['reason']}) and was {sorted(states)}"
        if file["state"] == "available":
            sizes = {version.stored.content.size for version in versions if version.stored is not None}
            if file["size"] not in sizes:
                yield f"{file['key']} has {file['size']} bytes and had {sizes}"
    found = Counter("folders" if file["state"] == "folder" else file["state"] for file in answer["files"])
    counts = {name: found[name] for name in answer["counts"]}
    if answer["counts"] != counts:
        yield f"counts {answer['counts']}, and the files are {counts}"


def _failure(files: Files, request: Request, answer: Mapping[str, Any]) -> Iterator[str]:
    """A job fails for what is there, and for nothing else: every fault is one that can be waited for."""
    if answer["status"] != "failed":
        return
    error, counts = answer["error"], answer["counts"]
    if error["code"] not in ALWAYS_TRUE:
        yield f"failed: {error}"
    elif error["code"] == "no_files_available" and counts["available"]:
        yield f"failed with no_files_available and counts {counts}"
    elif error["code"] == "files_missing" and not counts["missing"] + counts["failed"]:
        yield f"failed with files_missing and counts {counts}"


# --- archives


def _archives(deployment: Deployment, files: Files, request: Request, answer: Mapping[str, Any]) -> Iterator[str]:
    included: list[str] = []
    for archive in answer["archives"]:
        key = unquote(urlsplit(archive["url"]).path).removeprefix(f"/{ARCHIVES}/")
        stored = deployment.s3.buckets[ARCHIVES].objects.get(key)
        if stored is None:
            yield f"there is no {key}"
            continue
        if stored.content.size != archive["size"]:
            yield f"{key} has {stored.content.size} bytes, and {archive['size']} are promised"
        try:
            included += _included(files, stored) if archive["manifest"] else _contents(files, stored)
        except (Violation, zipfile.BadZipFile, KeyError, ValueError) as wrong:
            yield f"{key}: {type(wrong).__name__} {wrong}"
    if len(included) != answer["counts"]["available"]:
        yield f"the archives hold {len(included)} files, and {answer['counts']['available']} are available"
    if not set(included) <= set(request.keys) | set(files.history):
        yield f"the archives hold what was not asked for: {set(included) - set(request.keys)}"


def _included(files: Files, stored: StoredObject) -> list[str]:
    """The keys in an archive, each of whose bytes were compared. Raises Violation."""
    content = stored.content
    archive = zipfile.ZipFile(io.BytesIO(content.read()))
    wrong = archive.testzip()
    if wrong is not None:
        raise Violation(f"{wrong} has another CRC")
    manifest = json.loads(archive.read(MANIFEST))
    wanted = {file["name"]: file for file in manifest["files"] if file["name"] is not None}
    names = [name for name in archive.namelist() if name != MANIFEST]
    if sorted(names) != sorted(wanted):
        raise Violation(f"the manifest names {sorted(wanted)}, and there are {sorted(names)}")
    for name, file in wanted.items():
        body = archive.read(name)
        if body != files.content(file["key"], file["etag"]).read():
            raise Violation(f"{name} is not the version of {file['key']} that the manifest says")
        if int(file["crc32"], 16) != archive.getinfo(name).CRC:
            raise Violation(f"{name} has CRC {archive.getinfo(name).CRC:08x}, and the manifest says {file['crc32']}")
    return [file["key"] for file in wanted.values()]


def _contents(files: Files, stored: StoredObject) -> list[str]:
    """The keys of the files in an archive without manifest, by their bytes. Raises Violation."""
    archive = zipfile.ZipFile(io.BytesIO(stored.content.read()))
    sources = {
        version.stored.content.read(): key
        for key, versions in files.history.items()
        for version in versions
        if version.stored is not None
    }
    bodies = {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
    foreign = [name for name, body in bodies.items() if body not in sources]
    if foreign:
        raise Violation(f"{foreign} are no version of any file")
    return [sources[body] for body in bodies.values()]


# --- what was told


def _events(deployment: Deployment, request: Request, answer: Mapping[str, Any]) -> Iterator[str]:
    code, page = deployment.answer("GET", f"/v1/download/{request.job_id}/events?limit=1000")
    if code != 200:
        yield f"its events answer {code}"
        return
    kinds = Counter(event["kind"] for event in page["events"])
    for event in page["events"]:
        if event["kind"].endswith("_retried") and not {"code", "message"} <= event["details"].keys():
            yield f"does not say why it was retried: {event}"
    if kinds["created"] != 1:
        yield f"was created {kinds['created']} times, says its audit trail"
    if kinds["retried"] != request.retried:
        yield f"was retried {request.retried} times, and {kinds['retried']} by its audit trail"
    told = [event["kind"] for event in page["events"] if event["kind"] in ENDED]
    if Counter(told) != Counter(request.ends):
        yield f"ended as {request.ends}, and as {told} by its audit trail"
    times = [event["at"] for event in page["events"]]
    if times != sorted(times):
        yield "the audit trail is not in order"


def _pushed(deployment: Deployment, request: Request) -> Iterator[str]:
    """A subscriber gets states that the job had, and one that is as new as its end: every change, or a later one."""
    states = _states(deployment, request.job_id)
    end = min((version for version, status in states.items() if status in ENDED), default=0)
    for connection in request.sockets:
        sent = [message for message in deployment.sockets.sent[connection] if message.get("event") != "error"]
        for message in sent:
            if message["data"]["status"] != states.get(message["id"]):
                yield f"{connection} got {message}, and version {message['id']} was {states.get(message['id'])}"
        if not sent and connection in request.subscribed:
            yield f"{connection} got nothing"
        if sent and max(message["id"] for message in sent) < end:
            yield f"{connection} got nothing of version {end}, the end: {[message['id'] for message in sent]}"


def _states(deployment: Deployment, job_id: str) -> dict[int, str]:
    """The status of a job at each of its versions."""
    changes = (change.new for shard in deployment.table.shards for change in shard if change.new is not None)
    rows = (row for row in changes if (row["pk"]["S"], row["sk"]["S"]) == (f"JOB#{job_id}", "JOB"))
    return {int(row["version"]["N"]): row["status"]["S"] for row in rows}


def _webhooks(deployment: Deployment, request: Request) -> Iterator[str]:
    if "callbackUrl" not in request.body:
        return
    told = {(webhook_id, kind) for webhook_id, kind, job_id in deployment.receiver.received if job_id == request.job_id}
    if deployment.receiver.forged:
        yield f"no valid secret signed {deployment.receiver.forged}"
    if Counter(kind for _, kind in told) != Counter(f"job.{end}" for end in request.ends):
        yield f"ended as {request.ends}, and its webhooks said {sorted(told)}"


# --- what is left


def _queues(deployment: Deployment) -> Iterator[str]:
    for name, queue in deployment.queues.items():
        for message in queue.messages.values():
            yield f"{name} still holds {message.body[:300]}"


def _repeats(deployment: Deployment) -> Iterator[str]:
    """A job, and each archive of it, sends one message again at most for each fault that may have lost one."""
    faults = deployment.environment.faults.happened
    allowed = sum(faults[fault] for fault in LOSING_WORK)
    sent: Counter[str] = Counter()
    for queue in deployment.queues.values():
        sent.update({body.replace('"resume":true', '"resume":false'): count for body, count in queue.sent.items()})
    again: Counter[tuple[str, int]] = Counter()
    for body, count in sent.items():
        message = json.loads(body)
        if message["kind"].partition(".")[0] in SENT_ONCE:
            again[message["job_id"], message.get("archive", 0)] += count - 1
    for (job_id, archive), count in again.items():
        if count > allowed:
            yield f"{count} messages of archive {archive} of {job_id} were sent again, for {allowed} faults"


def _rows(deployment: Deployment) -> Iterator[str]:
    for key, item in deployment.table.items.items():
        if size_of(item) > MAX_TABLE_ITEM_BYTES:
            yield f"row {key} has {size_of(item):,} bytes"
        if "N" not in item.get("ttl", {}):
            yield f"row {key} stays for ever: {sorted(item)}"


def _store(deployment: Deployment, story: Story) -> Iterator[str]:
    bucket = deployment.s3.buckets[ARCHIVES]
    ready = {
        request.job_id for request in story.requests if request.last.get("status") == "ready" and not request.purged
    }
    for upload in bucket.uploads.values():
        if not upload.key.startswith(LEFT_TO_THE_BUCKET):
            yield f"the upload of {upload.key} is open"
    for key in bucket.objects:
        wanted = (LEFT_TO_THE_BUCKET, *(f"archives/{job_id}/" for job_id in ready))
        if not key.startswith(wanted):
            yield f"{key} is an orphan"


def _milliseconds(moment: str) -> int:
    return round(datetime.fromisoformat(moment).timestamp() * 1000)
