"""boto3 clients that reach the emulator and nothing else."""

from __future__ import annotations

import os
from typing import Any

from botocore.config import Config
from localstack_client.session import Session

REGION = "us-east-1"
ACCOUNT = "000000000000"
ACCESS_KEY_ID = SECRET_ACCESS_KEY = "test"  # noqa: S105  an emulator accepts any
_CONFIG = Config(
    connect_timeout=3,
    read_timeout=30,
    retries={"total_max_attempts": 3},
    signature_version=None,
    s3={"addressing_style": "path"},
)


def forget_aws() -> None:
    """Removes this machine's AWS settings from the environment: a local stack never uses them."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull


class Clients:
    """Clients of one emulator, each created on first use."""

    def __init__(self, endpoint: str) -> None:
        host = endpoint.partition("://")[2]
        self._session = Session(ACCESS_KEY_ID, SECRET_ACCESS_KEY, None, region_name=REGION, localstack_host=host)
        self._made: dict[str, Any] = {}

    def __call__(self, service: str) -> Any:
        if service not in self._made:
            self._made[service] = self._session.client(service, config=_CONFIG)
        return self._made[service]
