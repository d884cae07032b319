"""Signatures of webhooks, held to the reference library of Standard Webhooks."""

from __future__ import annotations

import base64
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from chalicelib.delivery.webhooks import signed_headers
from chalicelib.errors import InvalidSettings

BODY = b'{"type":"job.ready","data":{"jobId":"\xc3\xa9"}}'
KEYS = st.binary(min_size=24, max_size=64)


def secret(key: bytes) -> str:
    return "whsec_" + base64.b64encode(key).decode()


OLD, NEW = secret(b"o" * 24), secret(b"n" * 64)


def now() -> int:
    return int(time.time())


def test_the_example_of_the_reference_implementations_is_signed_alike() -> None:
    body = b'{"test": 2432232314}'
    headers = signed_headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        body,
        timestamp=1_614_265_330,
        secrets=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@given(key=KEYS, text=st.text(), webhook_id=st.text("abcdef0123456789_-", min_size=1))
def test_the_reference_library_verifies_every_body(key, text, webhook_id):
    headers = signed_headers(webhook_id, text.encode(), timestamp=now(), secrets=[secret(key)])
    Webhook(secret(key)).verify(text, headers, json_parse=False)


@pytest.mark.parametrize("known", [OLD, NEW])
def test_while_secrets_change_a_receiver_may_know_either(known: str) -> None:
    headers = signed_headers("msg_1", BODY, timestamp=now(), secrets=[NEW, OLD])
    assert headers["webhook-signature"].count("v1,") == 2
    Webhook(known).verify(BODY, headers)


def test_the_current_secret_signs_first() -> None:
    both = signed_headers("msg_1", BODY, timestamp=1, secrets=[NEW, OLD])["webhook-signature"]
    assert both.split(" ")[0] == signed_headers("msg_1", BODY, timestamp=1, secrets=[NEW])["webhook-signature"]


@pytest.mark.parametrize(
    ("body", "changed"),
    [
        (BODY + b" ", {}),
        (BODY, {"webhook-id": "msg_2"}),
        (BODY, {"webhook-timestamp": str(now() - 100)}),
        (BODY, {"webhook-signature": "v1," + base64.b64encode(bytes(32)).decode()}),
    ],
)
def test_the_reference_library_refuses_what_was_tampered_with(body: bytes, changed: dict[str, str]) -> None:
    headers = signed_headers("msg_1", BODY, timestamp=now() - 1, secrets=[NEW, OLD])
    with pytest.raises(WebhookVerificationError):
        Webhook(NEW).verify(body, {**headers, **changed})


def test_a_secret_that_did_not_sign_verifies_nothing() -> None:
    with pytest.raises(WebhookVerificationError):
        Webhook(OLD).verify(BODY, signed_headers("msg_1", BODY, timestamp=now(), secrets=[NEW]))


@pytest.mark.parametrize(
    "unfit",
    [
        "",
        "whsec_",
        "whsec_not base64 at all!",
        "whsec_\u00e9\u00e9\u00e9\u00e9",
        secret(b"k" * 23),
        secret(b"k" * 65),
        secret(b"k" * 32).removeprefix("whsec_"),
    ],
)
def test_a_secret_that_is_none_is_refused_and_not_shown(unfit: str) -> None:
    with pytest.raises(InvalidSettings) as refused:
        signed_headers("msg_1", BODY, timestamp=1, secrets=[NEW, unfit])
    assert unfit.removeprefix("whsec_") == "" or unfit.removeprefix("whsec_") not in str(refused.value)


def test_nothing_is_sent_unsigned() -> None:
    with pytest.raises(InvalidSettings):
        signed_headers("msg_1", BODY, timestamp=1, secrets=[])
