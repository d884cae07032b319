"""Secrets Manager and STS as the SDK speaks with them: what they answer, and what becomes of silence."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest

from chalicelib.aws.clients import Clients
from chalicelib.aws.s3_links import link_credentials
from chalicelib.aws.secrets_manager import SecretSource
from chalicelib.delivery.presign import ExpiringCredentials
from chalicelib.delivery.signing_keys import Secrets
from chalicelib.errors import LinksUnavailable, SecretUnavailable
from chalicelib.settings import Settings
from chalicelib.system import epoch_milliseconds
from tests.support.aws import emulated_aws
from tests.support.servers import refusing, silent
from tests.support.services import ENVIRONMENT

STORED = Secrets("0123456789abcdef" * 4)
ROLE = "arn:aws:iam::123456789012:role/links"


def settings(**environment: str) -> Settings:
    return Settings.from_environment({**ENVIRONMENT, **environment})


def secret_source(secret_id: str = "lorry") -> SecretSource:
    return SecretSource(Clients(settings()).secrets, secret_id, now=epoch_milliseconds)


def session() -> ExpiringCredentials:
    """A session of the role for links; the process's own credentials must not be looked at."""
    chosen = settings(LINK_ROLE_ARN=ROLE)
    clients: Any = Clients(chosen)
    clients.store_credentials = lambda: pytest.fail("looked")
    return link_credentials(chosen, clients, now=epoch_milliseconds)()


@pytest.fixture
def aws() -> Iterator[None]:
    with emulated_aws():
        yield


def test_the_secret_is_read_by_name_and_by_arn(aws: None) -> None:
    arn = boto3.client("secretsmanager").create_secret(Name="lorry", SecretString=STORED.to_json())["ARN"]
    assert secret_source("lorry").read() == secret_source(arn).read() == STORED


def test_a_secret_that_is_not_there_is_named(aws: None) -> None:
    with pytest.raises(SecretUnavailable, match=r"secret lorry cannot be read: .*ResourceNotFoundException"):
        secret_source().read()


def test_a_secret_of_bytes_cannot_be_used(aws: None) -> None:
    boto3.client("secretsmanager").create_secret(Name="lorry", SecretBinary=b"bytes")
    with pytest.raises(SecretUnavailable, match="must be JSON"):
        secret_source().read()


def test_a_session_of_the_role_tells_its_end_in_milliseconds(aws: None) -> None:
    before = epoch_milliseconds()
    found = session()
    assert found.credentials.access_key_id.startswith("ASIA")
    assert found.credentials.token
    assert found.ends_at is not None
    assert before + 3_599_000 <= found.ends_at <= epoch_milliseconds() + 3_600_000


@pytest.mark.parametrize("broken", [refusing, silent])
@pytest.mark.parametrize(
    ("ask", "error"),
    [(lambda: secret_source().read(), SecretUnavailable), (session, LinksUnavailable)],
)
def test_who_does_not_answer_is_not_waited_for_long(
    monkeypatch: pytest.MonkeyPatch, broken: Any, ask: Callable[[], object], error: type[Exception]
) -> None:
    with broken() as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        started = time.monotonic()
        with pytest.raises(error):
            ask()
        assert time.monotonic() - started < 60  # the SDK alone would wait for minutes
