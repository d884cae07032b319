"""Secrets Manager with the one secret of a deployment, which an operator rotates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.config import Config
from msgspec.structs import replace

from chalicelib.delivery.signing_keys import Secrets
from infra.secret import DAY_HOURS, rotated
from tests.simulation.environment import Environment


class SimulatedSecretsManager:
    """`value` is the secret as it stands."""

    name = "secretsmanager"

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.value = self._new(Secrets("0" * 64))

    def rotate(self) -> None:
        """Replaces the secret as `make secret-rotate` does; the old one stays valid for a day."""
        made = rotated(self.value, self.environment.now_ms(), overlap_hours=DAY_HOURS, force=False)
        self.value = self._new(made)
        self.environment.note("the secret is rotated")

    def _new(self, made: Secrets) -> Secrets:
        """The same with a current value that is drawn from the seed."""
        return replace(made, current=f"{self.environment.random.getrandbits(256):064x}")

    def get_secret_value(self, SecretId: str) -> dict[str, Any]:
        return {"Name": SecretId, "SecretString": self.value.to_json()}

    def describe(self, operation: str, arguments: Mapping[str, Any]) -> str:
        return f"{operation} {arguments['SecretId']}"

    def prepare(self, operation: str, arguments: dict[str, Any], config: Config) -> None:
        """The SDK adds nothing."""

    def fault_before(self, operation: str, arguments: Mapping[str, Any]) -> None:
        """It has no faults but those of every call."""
