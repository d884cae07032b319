"""The embedded stack's secret in a file, because MiniStack forgets it and receivers of webhooks must not have to."""

from __future__ import annotations

import secrets
from typing import Any

from chalicelib.delivery.signing_keys import Secrets
from chalicelib.errors import SecretUnavailable
from localstack.home import Home, LocalStackError, write_private


def fresh() -> Secrets:
    """Returns a first value, without a predecessor."""
    return Secrets(current=secrets.token_hex(32))


def load(home: Home) -> Secrets:
    """Returns the value in the file, which is created if absent. The caller holds the home's lock."""
    try:
        return Secrets.from_json(home.secret.read_text(encoding="utf-8"))
    except FileNotFoundError:
        created = fresh()
        save(home, created)
        return created
    except (SecretUnavailable, ValueError) as error:
        raise LocalStackError(f"{home.secret}: {error}; delete it for a new one") from None


def save(home: Home, value: Secrets) -> None:
    """Writes the file, readable by its owner only, in one step."""
    write_private(home.secret, value.to_json())


def restore(secrets_manager: Any, secret_id: str, *, value: Secrets) -> None:
    """Replaces the value that CloudFormation generated."""
    secrets_manager.put_secret_value(SecretId=secret_id, SecretString=value.to_json())
