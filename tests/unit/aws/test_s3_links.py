"""No link claims to outlive the credentials that sign it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.exceptions import EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.aws.clients import Clients
from chalicelib.aws.s3_links import (
    LEAST_SECONDS,
    PAUSE_SECONDS,
    RENEW_SECONDS,
    AssumedRole,
    Bucket,
    internal_presigner,
    link_credentials,
    minter_for,
)
from chalicelib.delivery.presign import MARGIN_SECONDS, Credentials, ExpiringCredentials
from chalicelib.errors import InvalidSettings, LinksUnavailable
from chalicelib.limits import LINK_TTL_MIN_SECONDS
from chalicelib.settings import Settings
from tests.support.services import ENVIRONMENT

ROLE = "arn:aws:iam::123456789012:role/links"
NOW = 1_800_000_000_000
KEYS = Credentials("AKIDTEST", "secret")


@dataclass
class FakeSts:
    """STS with a clock, in epoch milliseconds. Its sessions are numbered; `life` is seconds."""

    now: int = NOW
    life: int = 3600
    broken: bool = False
    asked: int = 0

    def assume_role(self, **request: Any) -> dict[str, Any]:
        assert request == {"RoleArn": ROLE, "RoleSessionName": "lorry-links", "DurationSeconds": 3600}
        self.asked += 1
        if self.broken:
            raise EndpointConnectionError(endpoint_url="https://sts.test")
        return {
            "Credentials": {
                "AccessKeyId": f"ASIA{self.asked}",
                "SecretAccessKey": "secret",
                "SessionToken": "token",
                "Expiration": datetime.fromtimestamp(self.now // 1000 + self.life, UTC),
            }
        }


@pytest.fixture
def sts() -> FakeSts:
    return FakeSts()


@pytest.fixture
def source(sts: FakeSts) -> AssumedRole:
    return AssumedRole(sts, ROLE, now=lambda: sts.now)


def session(source: AssumedRole) -> str:
    return source.current().credentials.access_key_id


# --- sessions of the role -----------------------------------------------------


def test_a_session_tells_its_token_and_its_end(source: AssumedRole) -> None:
    expiring = source.current()
    assert (expiring.credentials.access_key_id, expiring.credentials.token) == ("ASIA1", "token")
    assert expiring.ends_at == NOW + 3600 * 1000


def test_a_session_is_kept_until_less_than_fifty_minutes_are_left(sts: FakeSts, source: AssumedRole) -> None:
    session(source)
    sts.now = NOW + (3600 - RENEW_SECONDS) * 1000
    assert session(source) == "ASIA1"
    sts.now += 1
    assert session(source) == "ASIA2"
    assert sts.asked == 2


def test_the_old_session_signs_on_while_sts_fails(sts: FakeSts, source: AssumedRole) -> None:
    session(source)
    sts.broken, sts.now = True, NOW + 2000 * 1000
    assert [session(source), session(source)] == ["ASIA1", "ASIA1"]
    assert sts.asked == 2  # STS is not asked at each request
    sts.broken, sts.now = False, sts.now + PAUSE_SECONDS * 1000
    assert session(source) == "ASIA3"


def test_a_session_that_is_about_to_end_signs_nothing(sts: FakeSts, source: AssumedRole) -> None:
    session(source)
    sts.broken, sts.now = True, NOW + (3600 - LEAST_SECONDS) * 1000
    assert session(source) == "ASIA1"
    sts.now += PAUSE_SECONDS * 1000
    with pytest.raises(LinksUnavailable, match=r"role .*/links cannot be assumed to sign links: .*sts.test"):
        source.current()
    sts.broken = False
    assert session(source) == "ASIA4"  # at once


def test_without_any_session_nothing_is_signed(sts: FakeSts, source: AssumedRole) -> None:
    sts.broken = True
    with pytest.raises(LinksUnavailable):
        source.current()
    sts.broken = False
    assert session(source) == "ASIA2"


def test_a_session_that_ends_at_once_is_no_session(sts: FakeSts, source: AssumedRole) -> None:
    sts.life = LEAST_SECONDS - 1
    with pytest.raises(LinksUnavailable):
        source.current()


# --- which credentials sign ------------------------------------------------------


def settings(**environment: str) -> Settings:
    return Settings.from_environment({**ENVIRONMENT, **environment})


def own(credentials: Credentials, **environment: str) -> Clients:
    """Clients of a process with these credentials."""
    made = Clients(settings(**environment))
    frozen = SimpleNamespace(
        access_key=credentials.access_key_id, secret_key=credentials.secret_access_key, token=credentials.token
    )
    made.session = with_credentials(lambda: frozen)
    return made


def with_credentials(frozen: Callable[[], Any]) -> Any:
    """A session of the SDK with these credentials."""
    return SimpleNamespace(get_credentials=lambda: SimpleNamespace(get_frozen_credentials=frozen))


def test_a_separate_store_has_keys_of_its_own_which_last() -> None:
    chosen = settings(S3_ACCESS_KEY_ID="AKIDTEST", S3_SECRET_ACCESS_KEY="secret", LINK_ROLE_ARN=ROLE)
    assert link_credentials(chosen, Clients(chosen), now=lambda: NOW)() == ExpiringCredentials(KEYS)


def test_keys_of_the_process_sign_if_they_last() -> None:
    assert link_credentials(settings(), own(KEYS), now=lambda: NOW)() == ExpiringCredentials(KEYS)


def test_a_session_of_unknown_end_signs_nothing() -> None:
    with pytest.raises(InvalidSettings, match=r"^LINK_ROLE_ARN: is not set"):
        link_credentials(settings(), own(Credentials("ASIATEST", "secret", "token")), now=lambda: NOW)


# --- credentials of the store ------------------------------------------------------


def test_rotated_credentials_of_the_process_are_followed() -> None:
    numbers = count(1)
    clients = Clients(settings())
    clients.session = with_credentials(
        lambda: SimpleNamespace(access_key=f"ASIA{next(numbers)}", secret_key="secret", token="token")
    )
    assert [clients.store_credentials().access_key_id for _ in range(2)] == ["ASIA1", "ASIA2"]


def test_the_keys_of_a_separate_store_are_the_credentials() -> None:
    clients = Clients(settings(S3_ACCESS_KEY_ID="AKIDTEST", S3_SECRET_ACCESS_KEY="secret"))
    assert clients.store_credentials() == KEYS


def test_a_process_without_credentials_learns_what_to_set() -> None:
    clients: Any = Clients(settings())
    clients.session = SimpleNamespace(get_credentials=lambda: None)
    with pytest.raises(InvalidSettings, match="S3_ACCESS_KEY_ID"):
        clients.store_credentials()


def test_a_secret_is_not_shown_where_credentials_are_logged() -> None:
    assert repr(Credentials("AKIDTEST", "secret", "token")) == "Credentials('AKIDTEST')"


# --- how long links live ---------------------------------------------------


def minted(expiring: ExpiringCredentials, ttl: int, at: datetime) -> tuple[int, datetime, int]:
    """The expiry that the minter states, and that of its link: from when, for how many seconds."""
    now = int(at.timestamp() * 1000)
    minter = minter_for(settings(), expiring, bucket=Bucket("files", "us-east-1"), ttl=ttl, now=now)
    query = parse_qs(urlsplit(minter.link("downloads/1.zip", filename="1.zip")).query)
    since = datetime.strptime(query["X-Amz-Date"][0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return minter.expires_at, since, int(query["X-Amz-Expires"][0])


MOMENTS = [datetime.fromtimestamp((NOW + milliseconds) / 1000, UTC) for milliseconds in (0, 1, 999)]


@pytest.mark.parametrize("at", MOMENTS)
def test_a_link_lives_as_long_as_asked_where_its_keys_last(at: datetime) -> None:
    assert minted(ExpiringCredentials(KEYS), 604_800, at) == (
        NOW + 604_800_000,
        datetime.fromtimestamp(NOW // 1000, UTC),
        604_800,
    )


@pytest.mark.parametrize("at", MOMENTS)
def test_a_link_ends_before_its_session(at: datetime) -> None:
    seconds = 3600 - MARGIN_SECONDS
    began = datetime.fromtimestamp(NOW // 1000, UTC)
    assert minted(ExpiringCredentials(KEYS, NOW + 3_600_000), 3600, at) == (NOW + seconds * 1000, began, seconds)


@given(
    ttl=st.integers(LINK_TTL_MIN_SECONDS, 604_800),
    left=st.integers(LEAST_SECONDS * 1000, 3_600_000),
    at=st.integers(NOW, NOW + 5_000),
)
def test_no_link_claims_more_than_is_true(ttl: int, left: int, at: int) -> None:
    ends_at = at + left
    expires_at, since, seconds = minted(ExpiringCredentials(KEYS, ends_at), ttl, datetime.fromtimestamp(at / 1000, UTC))
    assert expires_at == int(since.timestamp()) * 1000 + seconds * 1000
    assert expires_at <= ends_at - MARGIN_SECONDS * 1000
    assert LINK_TTL_MIN_SECONDS <= seconds <= ttl


@pytest.mark.parametrize(
    ("style", "address"), [("path", "https://s3.test/files/a"), ("virtual", "https://files.s3.test/a")]
)
def test_links_for_ourselves_have_the_address_that_the_client_uses(style: str, address: str) -> None:
    config = SimpleNamespace(s3={"addressing_style": style})
    client = SimpleNamespace(
        meta=SimpleNamespace(endpoint_url="https://s3.test", region_name="us-east-1", config=config)
    )
    presigner = internal_presigner(client, "files", credentials=KEYS)
    link = presigner.link("a", expires=60, at=datetime.fromtimestamp(NOW / 1000, UTC))
    assert link.split("?")[0] == address
