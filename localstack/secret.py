"""The embedded stack's secret in a file, because MiniStack forgets it and receivers of webhooks must not have to."""

from __future__ import annotations

import os
import secrets
from typing import Any

from chalicelib.delivery.signing_keys import Secrets
from chalicelib.errors import SecretUnavailable
from localstack.home import Home, LocalStackError


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
    temporary = home.secret.with_suffix(".tmp")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(value.to_json() + "\n")
    os.replace(temporary, home.secret)


def restore(secrets_manager: Any, secret_id: str, *, value: Secrets) -> None:
    """Replaces the value that CloudFormation generated."""
    secrets_manager.put_secret_value(SecretId=secret_id, SecretString=value.to_json())
