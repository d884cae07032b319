"""How a container caches the deployment's secret."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib.aws.secrets_manager import PAUSE_SECONDS, SecretSource
from chalicelib.delivery.signing_keys import CACHE_SECONDS, Secrets
from chalicelib.errors import SecretUnavailable

NOW = 1_800_000_000_000
ALONE = Secrets("new-" * 16)
ROTATED = Secrets("new-" * 16, "old-" * 16, previous_until=NOW + 3_600_000, current_from=NOW + CACHE_SECONDS * 1000)


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
        self.source = SecretSource(self.manager, "lorry", now=lambda: self.now)

    def read_after(self, seconds: float) -> Secrets:
        self.now += int(seconds * 1000)
        return self.source.read()


def test_a_container_caches_the_secret() -> None:
    container = Container()
    assert [container.read_after(seconds) for seconds in (0, 1, CACHE_SECONDS - 2)] == [ALONE] * 3
    assert container.manager.reads == 1
    container.manager.stored = ROTATED.to_json()
    assert container.read_after(1) == ROTATED
    assert container.manager.reads == 2


@pytest.mark.parametrize("broken", [None, "{}"])
def test_a_container_uses_its_cached_secret_while_secrets_manager_fails(broken: str | None) -> None:
    container = Container()
    container.read_after(0)
    container.manager.stored = broken
    assert container.read_after(CACHE_SECONDS) == ALONE
    assert container.read_after(PAUSE_SECONDS - 1) == ALONE
    assert container.manager.reads == 2  # it is not asked at each request
    container.manager.stored = ROTATED.to_json()
    assert container.read_after(1) == ROTATED


def test_a_container_without_a_secret_fails_and_asks_again_at_once() -> None:
    container = Container(FakeSecretsManager(None))
    with pytest.raises(SecretUnavailable, match=r"secret lorry cannot be read: .*later"):
        container.read_after(0)
    container.manager.stored = ALONE.to_json()
    assert container.read_after(0) == ALONE
