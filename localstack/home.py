"""Where a local stack keeps its files, and what can be set from outside: port, folder, parameters, a separate store."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
DEFAULT_PORT = 4566


class LocalStackError(Exception):
    """The local stack cannot do what was asked. The message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Home:
    """The folder of one local stack. Two stacks run side by side in two homes on two ports."""

    root: Path

    @property
    def package(self) -> Path:
        return self.root / "package"

    @property
    def temporary(self) -> Path:
        """MiniStack's working folder and TMPDIR: each Lambda worker unpacks its code here."""
        return self.root / "tmp"

    @property
    def log(self) -> Path:
        return self.root / "ministack.log"

    @property
    def process(self) -> Path:
        """The emulator's pid, port and environment."""
        return self.root / "ministack.pid"

    @property
    def deployed(self) -> Path:
        """The hash of the deployed package and parameters."""
        return self.root / "deployed.sha256"

    @property
    def outputs(self) -> Path:
        return self.root / "outputs.json"

    @property
    def secret(self) -> Path:
        """The stack's secret, which outlives the emulator."""
        return self.root / "secret.json"

    @property
    def signing_key(self) -> Path:
        """The emulator's secret access key."""
        return self.root / "signing-key"

    @property
    def lock(self) -> Path:
        return self.root / "lock"


def write_private(path: Path, text: str) -> None:
    """Writes a file that its owner alone may read, in one step."""
    temporary = path.with_suffix(".tmp")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text + "\n")
    os.replace(temporary, path)


@dataclass(frozen=True, slots=True)
class Options:
    """What a stack is started with."""

    home: Home
    port: int | None = None  # None: the running stack's, else the default
    parameters: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)  # of the emulator, and so of every Lambda

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Options:
        """Reads PORT, LORRY_HOME, LORRY_PARAMETERS, LORRY_HOSTS and LORRY_EMULATOR_ENVIRONMENT."""
        hosts = environment.get("LORRY_HOSTS", "")
        return cls(
            home=Home(Path(environment.get("LORRY_HOME") or REPOSITORY / ".lorry").absolute()),
            port=_port(environment.get("PORT", "")),
            parameters=_pairs("LORRY_PARAMETERS", environment),
            environment=_pairs("LORRY_EMULATOR_ENVIRONMENT", environment) | ({"LORRY_HOSTS": hosts} if hosts else {}),
        )


def _port(text: str) -> int | None:
    if not text:
        return None
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise LocalStackError(f"PORT={text} is not a port: give a number from 1 to 65535")
    return int(text)


def _pairs(name: str, environment: Mapping[str, str]) -> dict[str, str]:
    pairs = {}
    for word in environment.get(name, "").split():
        key, equals, value = word.partition("=")
        if not key or not equals:
            raise LocalStackError(f"{name}: {word!r} is not Key=Value")
        pairs[key] = value
    return pairs


# The variables that set up a separate store, and the template's parameters that they set.
STORE_PARAMETERS = {
    "S3_ENDPOINT": "S3Endpoint",
    "S3_PUBLIC_ENDPOINT": "S3PublicEndpoint",
    "S3_ACCESS_KEY_ID": "S3AccessKeyId",
    "S3_SECRET_ACCESS_KEY": "S3SecretAccessKey",
    "S3_REGION": "S3Region",
    "S3_BUCKET_NAME": "SourceBucket",
    "S3_FORCE_PATH_STYLE": "S3ForcePathStyle",
}


def store_parameters(environment: Mapping[str, str], defaults: Mapping[str, str] | None = None) -> dict[str, str]:
    """Returns the store's parameters as the environment's variables set them, else as the `defaults` do."""
    given = {name: environment.get(name) or (defaults or {}).get(name, "") for name in STORE_PARAMETERS}
    return {STORE_PARAMETERS[name]: value for name, value in given.items() if value}
