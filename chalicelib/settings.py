"""The only reader of os.environ: one frozen, validated object per container.

Which variables there are stands in chalicelib.variables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.errors import InvalidSettings
from chalicelib.variables import VARIABLES, Network, Variable


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What one deployment of Lorry is told from outside. Times are seconds."""

    stage: str
    region: str
    table_name: str
    dispatch_queue_url: str
    check_queue_url: str
    assembly_queue_url: str
    source_bucket: str
    archive_bucket: str
    s3_endpoint: str
    s3_public_endpoint: str
    s3_region: str
    s3_access_key_id: str
    s3_secret_access_key: str
    s3_force_path_style: bool
    key_template: str
    allowed_prefix: str
    job_ttl: int
    link_ttl: int
    check_concurrency: int
    archive_max_bytes: int
    crc_source: str
    retry_base: float
    retry_cap: float
    sweep_after: int
    cors_origins: tuple[str, ...]
    public_url: str
    websocket_url: str
    websocket_endpoint: str
    webhook_queue_url: str
    webhook_dead_letters_url: str
    webhook_allow_local: bool
    webhook_retry_base: float
    webhook_retry_cap: float
    secret_id: str
    link_role_arn: str
    auth_mode: str
    allow_anonymous: bool
    auth_issuer: str
    auth_audience: str
    auth_jwks_url: str
    auth_algorithms: tuple[str, ...]
    auth_leeway: int
    ticket_ttl: int
    rate_limit: int
    rate_limit_streams: int
    rate_window_ms: int
    source_address: str
    trusted_proxies: tuple[Network, ...]
    idempotency_ttl: int
    stream_wait: float
    stream_waiters: int
    request_timeout_ms: int
    delay_enabled: bool
    delay_min_ms: int
    delay_max_ms: int

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read and validate every variable. Raises InvalidSettings naming each one that is wrong or absent."""
        values: dict[str, Any] = {}
        wrong: list[str] = []
        for variable in VARIABLES:
            try:
                values[variable.field] = _read(variable, environment)
            except ValueError as error:
                wrong.append(f"{variable.name}: {error} (it is: {variable.meaning})")
        wrong += [] if wrong else _contradictions(values)
        if wrong:
            raise InvalidSettings("; ".join(wrong))
        return cls(**values)


def _contradictions(values: Mapping[str, Any]) -> list[str]:
    """Variables that are right by themselves and wrong together."""
    found = []
    if bool(values["s3_access_key_id"]) != bool(values["s3_secret_access_key"]):
        found.append("S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY: set both or neither")
    if values["retry_base"] > values["retry_cap"]:
        found.append("RETRY_BASE_SECONDS is larger than RETRY_CAP_SECONDS")
    if values["delay_min_ms"] > values["delay_max_ms"]:
        found.append("DOWNLOAD_DELAY_MIN_MS is larger than DOWNLOAD_DELAY_MAX_MS")
    return found + _open_to_all(values)


def _open_to_all(values: Mapping[str, Any]) -> list[str]:
    """Nobody gets a stack that anybody may call without having asked for it."""
    mode = values["auth_mode"]
    if mode == "none" and not values["allow_anonymous"]:
        return ["AUTH_MODE is none, so anybody could call: set it to jwt or iam, or ALLOW_ANONYMOUS to true"]
    if mode == "jwt" and not (values["auth_issuer"] and values["auth_audience"]):
        return ["AUTH_MODE is jwt, which needs AUTH_ISSUER and AUTH_AUDIENCE"]
    return []


def _read(variable: Variable, environment: Mapping[str, str]) -> Any:
    text, other = (environment.get(name, "").strip() for name in (variable.name, variable.alias))
    if text and other and text != other:
        raise ValueError(f"is {text!r}, but {variable.alias}, which means the same, is {other!r}")
    text = text or other
    if not text:
        if variable.default is None:
            raise ValueError("is not set")
        text = variable.default
    return variable.parse(text)
