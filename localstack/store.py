"""The variables that set up a separate store, and the template's parameters that they fill."""

from __future__ import annotations

from collections.abc import Mapping

PARAMETERS = {
    "S3_ENDPOINT": "S3Endpoint",
    "S3_PUBLIC_ENDPOINT": "S3PublicEndpoint",
    "S3_ACCESS_KEY_ID": "S3AccessKeyId",
    "S3_SECRET_ACCESS_KEY": "S3SecretAccessKey",
    "S3_REGION": "S3Region",
    "S3_BUCKET_NAME": "SourceBucket",
    "S3_FORCE_PATH_STYLE": "S3ForcePathStyle",
}
# What compose.dev.yaml has where nothing is set.
COMPOSE = {
    "S3_ENDPOINT": "http://store:9000",
    "S3_PUBLIC_ENDPOINT": "http://localhost:9000",
    "S3_ACCESS_KEY_ID": "lorry",
    "S3_SECRET_ACCESS_KEY": "lorry-secret",
    "S3_REGION": "us-east-1",
    "S3_BUCKET_NAME": "lorry-source",
    "S3_FORCE_PATH_STYLE": "true",
}


def store_parameters(environment: Mapping[str, str], defaults: Mapping[str, str] | None = None) -> dict[str, str]:
    """Parameters of the store as the environment sets them; `defaults` are variables, too."""
    given = {name: environment.get(name) or (defaults or {}).get(name, "") for name in PARAMETERS}
    return {PARAMETERS[name]: value for name, value in given.items() if value}
