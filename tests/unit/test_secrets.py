"""The deployment's secret: what is derived from it, when, and how each container comes to know it."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib.aws.secrets_manager import PAUSE_SECONDS, SecretSource
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


def test_who_knows_the_webhook_secret_does_not_know_the_ticket_key() -> None:
    (secret,), (key,) = ALONE.webhook_secrets(NOW), ALONE.ticket_keys(NOW)
    assert base64.b64decode(secret.removeprefix("whsec_")) != key
    assert len(key) == 32


def test_both_count_while_the_overlap_lasts_and_the_current_webhook_secret_comes_first() -> None:
    old, new = Secrets(OLD).webhook_secrets(NOW), ALONE.webhook_secrets(NOW)
    assert ROTATED.webhook_secrets(NOW) == new + old
    assert ROTATED.webhook_secrets(NOW + HOUR - 1) == new + old
    assert ROTATED.webhook_secrets(NOW + HOUR) == new
    assert set(ROTATED.ticket_keys(NOW)) == {*Secrets(OLD).ticket_keys(NOW), *ALONE.ticket_keys(NOW)}
    assert ROTATED.ticket_keys(NOW + HOUR) == ALONE.ticket_keys(NOW)


def test_a_new_key_signs_tickets_once_every_container_has_heard_of_it() -> None:
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
        ("", "not a JSON object"),
        ("[]", "not a JSON object"),
        (f'"{NEW}"', "not a JSON object"),
        ("{}", '"current" is not a text'),
        ('{"current": "short"}', '"current" is not a text of at least 32 characters'),
        (json.dumps({"current": NEW, "previous": 7}), '"previous" is not a text'),
        (json.dumps({"current": NEW, "previous": OLD, "previousUntil": "soon"}), '"previousUntil" is not a whole'),
        (json.dumps({"current": NEW, "currentFrom": True}), '"currentFrom" is not a whole'),
    ],
)
def test_what_cannot_be_used_is_told_without_telling_the_secret(stored: str, wrong: str) -> None:
    with pytest.raises(SecretUnavailable) as caught:
        Secrets.from_json(stored)
    assert wrong in str(caught.value)
    assert NEW not in str(caught.value)
    assert caught.value.__cause__ is None


# --- how it is read ----------------------------------------------------------------


@dataclass
class FakeSecretsManager:
    """Secrets Manager with one secret; None: it fails."""

    stored: str | None
    reads: int = 0

    def get_secret_value(self, **asked: Any) -> dict[str, str]:
        assert asked == {"SecretId": "lorry"}
        self.reads += 1
        if self.stored is None:
            raise ClientError({"Error": {"Code": "InternalServiceError", "Message": "later"}}, "GetSecretValue")
        return {"SecretString": self.stored}


@dataclass
class Container:
    """A source, its Secrets Manager and its clock."""

    manager: FakeSecretsManager = field(default_factory=lambda: FakeSecretsManager(ALONE.to_json()))
    now: int = NOW

    def __post_init__(self) -> None:
        self.source = SecretSource(self.manager, "lorry", lambda: self.now)

    def read_after(self, seconds: float) -> Secrets:
        self.now += int(seconds * 1000)
        return self.source.read()


def test_a_container_reads_the_secret_once_in_a_while() -> None:
    container = Container()
    assert [container.read_after(seconds) for seconds in (0, 1, CACHE_SECONDS - 2)] == [ALONE] * 3
    assert container.manager.reads == 1
    container.manager.stored = ROTATED.to_json()
    assert container.read_after(1) == ROTATED
    assert container.manager.reads == 2


@pytest.mark.parametrize("broken", [None, "{}"])
def test_a_container_goes_on_with_what_it_knows_while_secrets_manager_fails(broken: str | None) -> None:
    container = Container()
    container.read_after(0)
    container.manager.stored = broken
    assert container.read_after(CACHE_SECONDS) == ALONE
    assert container.read_after(PAUSE_SECONDS - 1) == ALONE
    assert container.manager.reads == 2  # it is not asked at each request
    container.manager.stored = ROTATED.to_json()
    assert container.read_after(1) == ROTATED


def test_a_container_that_knows_nothing_says_so_and_asks_again_at_once() -> None:
    container = Container(FakeSecretsManager(None))
    with pytest.raises(SecretUnavailable, match=r"secret lorry cannot be read: .*later"):
        container.read_after(0)
    container.manager.stored = ALONE.to_json()
    assert container.read_after(0) == ALONE
