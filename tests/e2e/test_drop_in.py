"""A client of the original Node service, written from its published contract, against Lorry.

It passes but for the differences that docs/how-to/migrate.md lists; each of those is asserted here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from chalicelib.settings import SETTINGS
from tests.e2e.old_client import OldClient, client_of
from tests.integration.stack import RunningStack, free_port, running_stack
from tests.support import pages

HOW_TO = pages.ROOT / "docs" / "how-to" / "migrate.md"
THERE, ALSO_THERE, ABSENT = 70_000, 70_001, 79_999
SIZE = 1_234
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

# The environment of the original, and what Lorry reads of it under the same name.
ORIGINAL = (
    *("NODE_ENV", "PORT", "S3_REGION", "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY", "S3_ENDPOINT", "S3_BUCKET_NAME"),
    *("S3_FORCE_PATH_STYLE", "SENTRY_DSN", "OTEL_EXPORTER_OTLP_ENDPOINT", "REQUEST_TIMEOUT_MS", "RATE_LIMIT_WINDOW_MS"),
    *("RATE_LIMIT_MAX_REQUESTS", "CORS_ORIGINS", "DOWNLOAD_DELAY_MIN_MS", "DOWNLOAD_DELAY_MAX_MS"),
    *("DOWNLOAD_DELAY_ENABLED", "JOB_TTL_SECONDS", "PRESIGNED_URL_EXPIRY_SECONDS"),
)
GONE = {"NODE_ENV", "PORT", "SENTRY_DSN", "OTEL_EXPORTER_OTLP_ENDPOINT"}

# The store does not answer, `start` waits for longer than it may, and the old rate limit is set.
BROKEN = {
    "S3AccessKeyId": "nobody",
    "S3SecretAccessKey": "nothing",
    "DownloadDelayEnabled": "true",
    "DownloadDelayMinMs": "5000",
    "DownloadDelayMaxMs": "5000",
    "RequestTimeoutMs": "200",
    "RateLimitMaxRequests": "100",
    "RetryBaseSeconds": "0.1",
    "RetryCapSeconds": "0.2",
    "MaxReceiveCount": "2",
    "ParkReceiveCount": "4",
    "SentryTest": "true",
}
TOKENS = {"AuthMode": "jwt", "AllowAnonymous": "false", "AuthIssuer": "https://127.0.0.1:1/", "AuthAudience": "lorry"}

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    with running_stack(tmp_path_factory.mktemp("drop-in")) as running:
        running.put_files(range(THERE, ALSO_THERE + 1), b"x" * SIZE)
        yield running


@pytest.fixture(scope="module")
def old(stack: RunningStack) -> OldClient:
    return client_of(stack)


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OldClient]:
    parameters = {**BROKEN, "S3Endpoint": f"http://127.0.0.1:{free_port()}"}
    with running_stack(tmp_path_factory.mktemp("broken"), parameters=parameters) as running:
        yield client_of(running)


# --- what stays -------------------------------------------------------------------------


def test_a_job_is_started_polled_and_its_links_are_followed(old: OldClient) -> None:
    started = old.initiate([THERE, ALSO_THERE])
    assert UUID.fullmatch(started["jobId"])
    assert (started["status"], started["totalFileIds"]) == ("queued", 2)
    found = old.wait(started["jobId"])
    assert (found["jobId"], found["progress"], found["error"]) == (started["jobId"], 100, None)
    assert (found["processed"], found["total"]) == (2, 2)
    assert [len(httpx.get(url).content) for url in found["resultUrls"]] == [SIZE, SIZE]


def test_a_file_is_checked(old: OldClient) -> None:
    there = {"file_id": THERE, "available": True, "s3Key": f"downloads/{THERE}.zip", "size": SIZE}
    assert old.check(THERE) == there
    assert old.check(ABSENT) == {"file_id": ABSENT, "available": False, "s3Key": None, "size": None}
    assert old.http.post("/v1/download/check?sentry_test=true", json={"file_id": THERE}).status_code == 400


def test_an_error_on_purpose_is_raised_where_the_operator_allows_it(broken: OldClient) -> None:
    assert broken.http.post("/v1/download/check?sentry_test=true", json={"file_id": THERE}).status_code == 500


def test_one_file_is_waited_for(old: OldClient) -> None:
    done = old.start(THERE)
    assert set(done) == {"file_id", "status", "downloadUrl", "size", "processingTimeMs", "message"}
    assert (done["file_id"], done["status"], done["size"]) == (THERE, "completed", SIZE)
    assert httpx.get(done["downloadUrl"]).content == b"x" * SIZE
    absent = old.start(ABSENT)
    assert (absent["status"], absent["downloadUrl"], absent["size"]) == ("failed", None, None)


def test_health_tells_of_the_store(old: OldClient, broken: OldClient) -> None:
    healthy = old.http.get("/health")
    assert (healthy.status_code, healthy.json()["status"], healthy.json()["checks"]["storage"]) == (
        200,
        "healthy",
        "ok",
    )
    unhealthy = broken.http.get("/health")
    assert (unhealthy.status_code, unhealthy.json()["status"]) == (503, "unhealthy")
    assert unhealthy.json()["checks"]["storage"] == "error"


def test_ids_have_the_same_range(old: OldClient) -> None:
    for file_id in (9_999, 100_000_001, "70000", 70_000.5):
        answer = old.http.post("/v1/download/initiate", json={"file_ids": [file_id]})
        assert answer.status_code == 400
        assert {"error", "message", "requestId"} <= set(answer.json())


def test_answers_carry_the_same_headers(old: OldClient) -> None:
    headers = old.http.get("/v1/limits", headers={"X-Request-ID": "mine-1", "Origin": "https://page.example"}).headers
    assert int(headers["ratelimit-remaining"]) < int(headers["ratelimit-limit"])
    assert 0 <= int(headers["ratelimit-reset"]) <= 60
    assert headers["x-request-id"] == "mine-1"
    assert headers["access-control-allow-origin"] == "*"
    assert headers["strict-transport-security"].startswith("max-age=")
    assert headers["x-frame-options"] == "SAMEORIGIN"
    preflight = old.http.options("/v1/download/initiate", headers={"Origin": "https://page.example"})
    assert preflight.is_success
    assert "POST" in preflight.headers["access-control-allow-methods"]


def test_settings_keep_their_names() -> None:
    known = {name for setting in SETTINGS for name in (setting.name, setting.alias)}
    assert set(ORIGINAL) - known == GONE
    page = HOW_TO.read_text()
    assert all(f"`{name}`" in page for name in ORIGINAL)


# --- what differs -----------------------------------------------------------------------


def d1_initiate_answers_202(old: OldClient, broken: OldClient) -> None:
    answer = old.http.post("/v1/download/initiate", json={"file_ids": [THERE]})
    assert answer.status_code == 202
    assert answer.headers["location"].endswith(f"/v1/download/status/{answer.json()['jobId']}")
    assert answer.headers["retry-after"] == "1"


def d2_unknown_fields_are_refused(old: OldClient, broken: OldClient) -> None:
    bodies: dict[str, dict[str, Any]] = {
        "initiate": {"file_ids": [THERE]},
        "check": {"file_id": THERE},
        "start": {"file_id": THERE},
    }
    for call, body in bodies.items():
        answer = old.http.post(f"/v1/download/{call}", json={**body, "userId": 7})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/userId")


def d3_repeated_ids_are_kept_once(old: OldClient, broken: OldClient) -> None:
    started = old.initiate([THERE, THERE, ALSO_THERE])
    assert (started["totalFileIds"], started["duplicates"]) == (2, 1)


def d4_a_job_ends_as_ready(old: OldClient, broken: OldClient) -> None:
    assert old.wait(old.initiate([THERE])["jobId"])["status"] == "ready"


def d5_each_file_has_its_own_link(old: OldClient, broken: OldClient) -> None:
    urls = old.wait(old.initiate([ABSENT, ALSO_THERE, THERE])["jobId"])["resultUrls"]
    assert urls[0] is None
    assert [f"/{file_id}.zip?" in url for file_id, url in zip((ALSO_THERE, THERE), urls[1:], strict=True)] == [
        True,
        True,
    ]


def d6_an_outage_is_not_a_missing_file(old: OldClient, broken: OldClient) -> None:
    failed = broken.wait(broken.initiate([THERE])["jobId"])
    assert (failed["status"], failed["error"]["code"]) == ("failed", "storage_unavailable")
    assert failed["counts"]["missing"] == 0
    assert broken.http.post("/v1/download/check", json={"file_id": THERE}).status_code == 503
    none = old.wait(old.initiate([ABSENT])["jobId"])
    assert (none["status"], none["error"]["code"]) == ("failed", "no_files_available")


def d7_start_answers_504(old: OldClient, broken: OldClient) -> None:
    answer = broken.http.post("/v1/download/start", json={"file_id": THERE})
    assert (answer.status_code, answer.json()["error"]) == (504, "timeout")
    assert int(answer.headers["retry-after"]) > 0


def d8_start_is_deprecated(old: OldClient, broken: OldClient) -> None:
    answer = old.http.post("/v1/download/start", json={"file_id": THERE})
    assert answer.headers["deprecation"].startswith("@")
    assert answer.headers["link"].endswith('/v1/download/initiate>; rel="successor-version"')


def d9_health_tells_of_more(old: OldClient, broken: OldClient) -> None:
    assert set(old.http.get("/health").json()["checks"]) == {"storage", "table", "queue"}


def d10_errors_are_problems(old: OldClient, broken: OldClient) -> None:
    answers = {
        404: old.http.get("/v1/download/status/nothing"),
        405: old.http.get("/v1/download/initiate"),
        415: old.http.post("/v1/download/check", content=b"{}"),
    }
    for status, answer in answers.items():
        assert (answer.status_code, answer.json()["status"]) == (status, status)
        assert answer.headers["content-type"] == "application/problem+json"
        assert {"error", "message", "requestId"} <= set(answer.json())


def d11_more_requests_and_no_forged_addresses(old: OldClient, broken: OldClient) -> None:
    def left(address: str) -> tuple[int, int]:
        headers = broken.http.get("/v1/limits", headers={"X-Forwarded-For": address}).headers
        return int(headers["ratelimit-remaining"]), int(headers["ratelimit-reset"])

    assert old.http.get("/v1/limits").headers["ratelimit-limit"] == "2000"
    assert old.http.get("/v1/limits").headers["ratelimit-policy"] == '"default";q=2000;w=60'
    assert broken.http.get("/v1/limits").headers["ratelimit-limit"] == "100"
    (first, reset), (second, later) = left("198.51.100.1"), left("198.51.100.2")
    assert second < first or later > reset  # unless a new window began between the two


def d12_callers_are_known_where_asked_for(old: OldClient, broken: OldClient) -> None:
    """Somebody else's job: tests/integration/test_tenants.py."""
    assert old.http.get("/v1/download/status/00000000-0000-0000-0000-000000000000").status_code == 404


def d13_a_job_lives_from_its_end(old: OldClient, broken: OldClient) -> None:
    found = old.wait(old.initiate([THERE])["jobId"])
    lived = datetime.fromisoformat(found["expiresAt"]) - datetime.fromisoformat(found["finishedAt"])
    assert lived.total_seconds() == 86_400


def d14_links_are_minted_at_each_read(old: OldClient, broken: OldClient) -> None:
    found = old.wait(old.initiate([THERE])["jobId"])
    (expiry,) = re.findall(r"X-Amz-Expires=(\d+)", found["resultUrls"][0])
    assert int(expiry) <= 3_600
    left = datetime.fromisoformat(found["linksExpireAt"]) - datetime.now(UTC)
    assert 0 < left.total_seconds() <= 3_600


DIFFERENCES: dict[str, Callable[[OldClient, OldClient], None]] = {
    name.partition("_")[0].upper(): check for name, check in list(globals().items()) if re.match(r"d\d+_", name)
}


@pytest.mark.parametrize("difference", DIFFERENCES)
def test_the_listed_difference_holds(difference: str, old: OldClient, broken: OldClient) -> None:
    DIFFERENCES[difference](old, broken)


def test_every_listed_difference_is_asserted() -> None:
    listed = re.findall(r"^\| (D\d+) \|", HOW_TO.read_text(), re.MULTILINE)
    assert listed == list(DIFFERENCES)


def test_links_are_not_stored(stack: RunningStack, old: OldClient) -> None:
    job_id = old.initiate([THERE])["jobId"]
    assert old.wait(job_id)["resultUrls"][0]
    assert "X-Amz-Signature" not in str(stack.items(job_id))


def test_callers_must_say_who_they_are_where_tokens_are_wanted(tmp_path_factory: pytest.TempPathFactory) -> None:
    with running_stack(tmp_path_factory.mktemp("tokens"), parameters=TOKENS) as running:
        answer = httpx.post(f"{running.url}/v1/download/initiate", json={"file_ids": [THERE]})
        assert (answer.status_code, answer.json()["error"]) == (401, "unauthenticated")
        assert httpx.get(f"{running.url}/health").status_code == 200


def test_an_expired_job_answers_410(stack: RunningStack, old: OldClient) -> None:
    job_id = old.initiate([THERE])["jobId"]
    old.wait(job_id)
    (row,) = (item for item in stack.items(job_id) if item["sk"]["S"] == "JOB")
    stack.clients("dynamodb").update_item(
        TableName=stack.outputs["Table"],
        Key={name: row[name] for name in ("pk", "sk")},
        UpdateExpression="SET expires_at = :past",
        ExpressionAttributeValues={":past": {"N": "1"}},
    )
    for path in (f"/v1/download/{job_id}", f"/v1/download/status/{job_id}"):
        assert old.http.get(path).status_code == 410
