"""Webhooks as their receiver verifies them, compared with the reference library of Standard Webhooks."""

from __future__ import annotations

import base64
import json
import time
from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from lorry import WebhookUnverified, webhooks

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OTHER = "whsec_" + base64.b64encode(bytes(range(100, 124))).decode()
PAYLOAD = {"type": "job.ready", "timestamp": "2025-01-01T00:00:00.000Z", "data": {"jobId": "ü", "status": "ready"}}
BODY = json.dumps(PAYLOAD, ensure_ascii=False).encode()


def signed(*secrets: str, body: bytes = BODY, at: int | None = None) -> dict[str, str]:
    """The headers that the reference library makes for `body`, signed at `at` epoch seconds (now by default)."""
    moment = int(time.time()) if at is None else at
    signatures = [
        Webhook(secret).sign("msg_1", datetime.fromtimestamp(moment, UTC), body.decode()) for secret in secrets
    ]
    return {"webhook-id": "msg_1", "webhook-timestamp": str(moment), "webhook-signature": " ".join(signatures)}


def test_a_webhook_of_the_reference_library_is_genuine() -> None:
    headers = signed(SECRET)
    assert webhooks.verify(headers, BODY, SECRET) == PAYLOAD == Webhook(SECRET).verify(BODY, headers)


def test_header_names_are_compared_without_case() -> None:
    headers = {name.title(): value for name, value in signed(SECRET).items()}
    assert webhooks.verify(headers, BODY, SECRET) == PAYLOAD


def test_either_side_may_use_both_secrets_during_a_rotation() -> None:
    assert webhooks.verify(signed(OTHER, SECRET), BODY, SECRET) == PAYLOAD
    assert webhooks.verify(signed(SECRET), BODY, [OTHER, SECRET]) == PAYLOAD
    with pytest.raises(WebhookUnverified):
        webhooks.verify(signed(SECRET), BODY, [OTHER])


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "msg_2"},
        {"webhook-timestamp": "a second before"},
        {"webhook-signature": "v1," + base64.b64encode(bytes(32)).decode()},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v1,ü"},
        {"webhook-signature": "nonsense"},
    ],
)
def test_a_webhook_with_another_id_time_or_signature_is_not_genuine(change: dict[str, str]) -> None:
    if "webhook-timestamp" in change:
        change = {"webhook-timestamp": str(int(time.time()) - 1)}  # of now, not of when the tests were collected
    with pytest.raises(WebhookUnverified, match="no signature matches") as raised:
        webhooks.verify(signed(SECRET) | change, BODY, SECRET)
    assert (raised.value.code, SECRET[6:] in str(raised.value)) == ("webhook_unverified", False)
    with pytest.raises((WebhookVerificationError, ValueError)):
        Webhook(SECRET).verify(BODY, signed(SECRET) | change)


def test_a_body_that_was_changed_is_not_genuine() -> None:
    with pytest.raises(WebhookUnverified, match="no signature"):
        webhooks.verify(signed(SECRET), BODY + b" ", SECRET)


def test_a_signature_of_another_version_is_ignored() -> None:
    headers = signed(SECRET)
    asymmetric = headers | {"webhook-signature": headers["webhook-signature"].replace("v1,", "v1a,")}
    with pytest.raises(WebhookUnverified):
        webhooks.verify(asymmetric, BODY, SECRET)
    both = headers | {"webhook-signature": f"v1a,AAAA {headers['webhook-signature']}"}
    assert webhooks.verify(both, BODY, SECRET) == PAYLOAD


@pytest.mark.parametrize(("age", "words"), [(301, "301 s ago"), (-301, "301 s ahead")])
def test_a_webhook_of_another_time_is_refused(age: int, words: str) -> None:
    headers = signed(SECRET, at=1_700_000_000)
    with pytest.raises(WebhookUnverified, match=words):
        webhooks.verify(headers, BODY, SECRET, now=lambda: 1_700_000_000 + age)
    assert webhooks.verify(headers, BODY, SECRET, tolerance=301, now=lambda: 1_700_000_000 + age) == PAYLOAD
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(BODY, signed(SECRET, at=int(time.time()) - age - age // abs(age)))


@pytest.mark.parametrize("timestamp", ["soon", "1e9", "-5", "\u0661", "9" * 5000])
def test_a_malformed_time_is_refused(timestamp: str) -> None:
    with pytest.raises(WebhookUnverified, match="not a whole number"):
        webhooks.verify(signed(SECRET) | {"webhook-timestamp": timestamp}, BODY, SECRET)


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_header_that_is_missing_is_named(name: str) -> None:
    with pytest.raises(WebhookUnverified, match=f"{name} is missing"):
        webhooks.verify({**signed(SECRET), name: ""}, BODY, SECRET)


@pytest.mark.parametrize(("body", "words"), [(b"[]", "not a JSON object"), (b"{", "not JSON")])
def test_a_signed_body_that_is_not_a_json_object_is_refused(body: bytes, words: str) -> None:
    with pytest.raises(WebhookUnverified, match=words):
        webhooks.verify(signed(SECRET, body=body), body, SECRET)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_not base64!", [], [SECRET, "whsec_?"]])
def test_a_malformed_secret_is_refused_without_being_shown(secret: str | list[str]) -> None:
    with pytest.raises(ValueError, match="secret") as raised:
        webhooks.verify(signed(SECRET), BODY, secret)
    assert "not base64" not in str(raised.value)


def test_a_secret_without_its_prefix_is_the_same_secret() -> None:
    assert webhooks.verify(signed(SECRET), BODY, SECRET.removeprefix("whsec_")) == PAYLOAD
