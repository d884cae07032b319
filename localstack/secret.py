"""The local stack's secret, kept in a file: MiniStack forgets it, and receivers of webhooks should not have to."""

from __future__ import annotations

import os
from typing import Any

from chalicelib.delivery.signing_keys import Secrets
from chalicelib.errors import SecretUnavailable
from infra.rotation import fresh
from localstack.home import Home, LocalStackError


def kept(home: Home) -> Secrets:
    """What the file holds; a first value if there is none. The caller holds the home's lock."""
    try:
        return Secrets.from_json(home.secret.read_text(encoding="utf-8"))
    except FileNotFoundError:
        made = fresh()
        keep(home, made)
        return made
    except (SecretUnavailable, ValueError) as error:
        raise LocalStackError(f"{home.secret}: {error}; delete it for a new one") from None


def keep(home: Home, value: Secrets) -> None:
    """Write the file, for its owner's eyes only, whole or not at all."""
    temporary = home.secret.with_suffix(".tmp")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(value.to_json() + "\n")
    os.replace(temporary, home.secret)


def restore(secrets_manager: Any, secret_id: str, value: Secrets) -> None:
    """Put `value` in place of what CloudFormation has made up."""
    secrets_manager.put_secret_value(SecretId=secret_id, SecretString=value.to_json())
