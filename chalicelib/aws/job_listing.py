"""Pages of a principal's jobs and of a job's audit trail, with cursors that stay valid while lines come and go."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

from chalicelib.aws import table_rows as rows
from chalicelib.aws.dynamodb import read_all, table_errors
from chalicelib.aws.table_rows import Row
from chalicelib.errors import FieldProblem, InvalidRequest
from chalicelib.jobs.model import Job, JobStatus
from chalicelib.jobs.ports import EventPage, JobPage

NOT_OURS = FieldProblem("/cursor", "is not a cursor that this service gave out")
_JOB_PLACE = re.compile(r'\[(?P<created>[0-9]{1,15}), "(?P<id>[0-9A-Za-z-]{1,64})"\]')
_EVENT_KEY = re.compile(rf"{rows.EVENT_PREFIX}[0-9]{{13}}#[0-9a-f]{{8}}")

MAX_ROUNDS = 10  # a rare status must not make one request read the whole index


def list_owned(  # noqa: PLR0913 - the port's own question, and where to ask it
    client: Any, table: str, owner: str, *, status: JobStatus | None, limit: int, cursor: str | None
) -> JobPage:
    """At most `limit` jobs. A page may hold fewer, even none, and still have a successor where `status` is rare."""
    start = _start_key(owner, cursor) if cursor else None
    found: list[Job] = []
    for _ in range(MAX_ROUNDS):
        keys, start = _newest(client, table, owner, limit=limit, start=start)
        wanted = [job for job in _jobs(client, table, keys) if status in (None, job.status)]
        room = limit - len(found)
        found.extend(wanted[:room])
        if len(wanted) > room:
            return JobPage(tuple(found), _cursor(found[-1].created_at, found[-1].job_id))
        if start is None or len(found) == limit:
            break
    return JobPage(tuple(found), _cursor_of(start) if start else None)


def _newest(client: Any, table: str, owner: str, *, limit: int, start: Row | None) -> tuple[list[Row], Row | None]:
    arguments = {"ExclusiveStartKey": start} if start else {}
    with table_errors():
        answer = client.query(
            TableName=table,
            IndexName=rows.OWNED_INDEX,
            KeyConditionExpression="#owner = :owner",
            ExpressionAttributeNames={"#owner": "owner"},
            ExpressionAttributeValues=rows.attributes({":owner": owner}),
            ScanIndexForward=False,
            Limit=limit,
            **arguments,
        )
    return answer["Items"], answer.get("LastEvaluatedKey")


def _jobs(client: Any, table: str, keys: list[Row]) -> list[Job]:
    found = read_all(client, table, [{"pk": key["pk"], "sk": key["sk"]} for key in keys])
    by_id = {row["pk"]["S"]: rows.job_from(row) for row in found}
    return [by_id[key["pk"]["S"]] for key in keys if key["pk"]["S"] in by_id]


def _cursor(created_at: int, job_id: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([created_at, job_id]).encode()).decode()


def _cursor_of(key: Row) -> str:
    return _cursor(int(key["createdAt"]["N"]), rows.job_id_of(key))


def _start_key(owner: str, cursor: str) -> Row:
    place = _JOB_PLACE.fullmatch(_decoded(cursor))
    if place is None:
        raise InvalidRequest([NOT_OURS])
    return {**rows.job_key(place["id"]), **rows.attributes({"owner": owner, "createdAt": int(place["created"])})}


def list_events(client: Any, table: str, job_id: str, *, limit: int, cursor: str | None) -> EventPage:
    """At most `limit` events, oldest first. The cursor is the last one's sort key."""
    after = _event_key(cursor) if cursor else rows.EVENT_PREFIX
    with table_errors():
        answer = client.query(
            TableName=table,
            KeyConditionExpression="pk = :pk AND sk BETWEEN :after AND :last",
            # BETWEEN takes in its ends; "!" is the smallest printable character after the cursor itself.
            ExpressionAttributeValues=rows.attributes(
                {":pk": rows.partition(job_id), ":after": f"{after}!", ":last": f"{rows.EVENT_PREFIX}~"}
            ),
            ConsistentRead=True,
            Limit=limit,
        )
    last = answer.get("LastEvaluatedKey")
    return EventPage(tuple(map(rows.event_from, answer["Items"])), _event_cursor(last["sk"]["S"]) if last else None)


def _event_cursor(sort_key: str) -> str:
    return base64.urlsafe_b64encode(sort_key.encode()).decode()


def _event_key(cursor: str) -> str:
    key = _decoded(cursor)
    if not _EVENT_KEY.fullmatch(key):
        raise InvalidRequest([NOT_OURS])
    return key


def _decoded(cursor: str) -> str:
    """What somebody calls a cursor; nothing in it is true yet."""
    try:
        return base64.urlsafe_b64decode(cursor).decode("ascii")
    except ValueError:
        return ""
