"""The deployment's secret: what is derived from it, when, and how it is stored."""

from __future__ import annotations

import base64
import json

import pytest

from chalicelib.delivery.signing_keys import CACHE_SECONDS, Secrets
from chalicelib.errors import SecretUnavailable

OLD, NEW = "old-" * 16, "new-" * 16
NOW = 1_800_000_000_000
HOUR = 3_600_000
ALONE = Secrets(NEW)
ROTATED = Secrets(NEW, OLD, previous_until=NOW + HOUR, current_from=NOW + CACHE_SECONDS * 1000)


# --- what is derived ------------------------------------------------------------


def test_a_webhook_secret_is_what_receivers_libraries_take() -> None:
    (secret,) = ALONE.webhook_secrets(NOW)
    assert secret.startswith("whsec_")
    assert len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == 32


def test_the_same_master_always_gives_the_same_keys() -> None:
    # As openssl derives them. Receivers have such values: another derivation would cut them off.
    master = Secrets("0123456789abcdef" * 4)
    assert master.webhook_secrets(NOW) == ("whsec_qEfnyfA/Svizx0v7rHQ+MSEyChK3eO7rtkNJgF/zMkk=",)
    assert master.ticket_keys(NOW)[0].hex() == "78600229b9ce89abc60ef341fd841faa823e5bd133d6b459083e7ab7722f755b"


def test_each_caller_has_a_webhook_secret_of_its_own() -> None:
    owners = ("anonymous", "user:https://a.test#alice", "user:https://a.test#bob", "webhook", "ticket")
    secrets = [ROTATED.webhook_secrets(NOW, owner) for owner in owners]
    assert len({secret for pair in secrets for secret in pair}) == 2 * len(owners)
    assert secrets[0] == ROTATED.webhook_secrets(NOW)


def test_the_webhook_secret_does_not_reveal_the_ticket_key() -> None:
    (secret,), (key,) = ALONE.webhook_secrets(NOW), ALONE.ticket_keys(NOW)
    assert base64.b64decode(secret.removeprefix("whsec_")) != key
    assert len(key) == 32


def test_both_are_valid_during_the_overlap_and_the_current_webhook_secret_comes_first() -> None:
    old, new = Secrets(OLD).webhook_secrets(NOW), ALONE.webhook_secrets(NOW)
    assert ROTATED.webhook_secrets(NOW) == new + old
    assert ROTATED.webhook_secrets(NOW + HOUR - 1) == new + old
    assert ROTATED.webhook_secrets(NOW + HOUR) == new
    assert set(ROTATED.ticket_keys(NOW)) == {*Secrets(OLD).ticket_keys(NOW), *ALONE.ticket_keys(NOW)}
    assert ROTATED.ticket_keys(NOW + HOUR) == ALONE.ticket_keys(NOW)


def test_a_new_key_signs_tickets_once_no_container_has_the_old_one_cached() -> None:
    (old,), (new,) = Secrets(OLD).ticket_keys(NOW), ALONE.ticket_keys(NOW)
    assert ROTATED.ticket_keys(NOW + CACHE_SECONDS * 1000 - 1)[0] == old
    assert ROTATED.ticket_keys(NOW + CACHE_SECONDS * 1000)[0] == new


def test_no_secret_is_shown_where_objects_are_logged() -> None:
    assert OLD not in repr(ROTATED)
    assert NEW not in repr(ROTATED)


# --- how it is stored --------------------------------------------------------------


def test_what_is_written_can_be_read() -> None:
    assert Secrets.from_json(ROTATED.to_json()) == ROTATED


def test_what_cloudformation_makes_can_be_read() -> None:
    assert Secrets.from_json(json.dumps({"previous": "", "previousUntil": 0, "current": NEW})) == ALONE


@pytest.mark.parametrize(
    ("stored", "wrong"),
    [
        ("", "truncated"),
        ("[]", "Expected `object`"),
        (f'"{NEW}"', "Expected `object`"),
        (f'{{"current": {NEW}', "malformed"),
        ("{}", "missing required field `current`"),
        ('{"current": 7}', "Expected `str`, got `int` - at `$.current`"),
        ('{"current": "short"}', "`current`, and `previous` if any, need at least 32 characters"),
        (json.dumps({"current": NEW, "previous": "short"}), "need at least 32 characters"),
        (json.dumps({"current": NEW, "previous": 7}), "Expected `str`, got `int` - at `$.previous`"),
        (json.dumps({"current": NEW, "previous": OLD, "previousUntil": "soon"}), "- at `$.previousUntil`"),
        (json.dumps({"current": NEW, "currentFrom": True}), "Expected `int`, got `bool`"),
        (json.dumps({"current": NEW}) + "\ud800", "surrogates not allowed"),
    ],
)
def test_an_invalid_secret_is_explained_without_showing_it(stored: str, wrong: str) -> None:
    with pytest.raises(SecretUnavailable) as caught:
        Secrets.from_json(stored)
    assert wrong in str(caught.value)
    assert NEW not in str(caught.value)
    assert caught.value.__cause__ is None
