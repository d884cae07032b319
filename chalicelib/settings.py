"""The only reader of os.environ: one frozen, validated object per container.

Every variable stands once in VARIABLES, from which docs/settings.md is generated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from chalicelib.errors import InvalidSettings
from chalicelib.limits import (
    LINK_TTL_MAX_SECONDS,
    LINK_TTL_MIN_SECONDS,
    S3_MAX_OBJECT_BYTES,
    S3_MAX_PRESIGN_SECONDS,
    MiB,
)


@dataclass(frozen=True, slots=True)
class Variable:
    """One environment variable: the field it fills, how it is read, its default (None: required), what it means."""

    name: str
    field: str
    parse: Callable[[str], Any]
    default: str | None
    meaning: str


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
    return found


def _read(variable: Variable, environment: Mapping[str, str]) -> Any:
    text = environment.get(variable.name, "").strip()
    if not text:
        if variable.default is None:
            raise ValueError("is not set")
        text = variable.default
    return variable.parse(text)


def _text(text: str) -> str:
    return text


def _boolean(text: str) -> bool:
    lowered = text.lower()
    if lowered not in ("true", "false"):
        raise ValueError(f"{text!r} is neither true nor false")
    return lowered == "true"


def _whole(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isdecimal() or not low <= int(text) <= high:
            raise ValueError(f"{text!r} is not a whole number from {low} to {high}")
        return int(text)

    return parse


def _seconds(low: float, high: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        value = float(text)
        if not low <= value <= high:
            raise ValueError(f"{text!r} is not between {low} and {high} seconds")
        return value

    return parse


def _one_of(*choices: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError(f"{text!r} is none of {', '.join(choices)}")
        return text

    return parse


def _url(text: str) -> str:
    if text and (urlsplit(text).scheme not in ("http", "https") or not urlsplit(text).netloc):
        raise ValueError(f"{text!r} is not an http(s) URL")
    return text.rstrip("/")


def _template(text: str) -> str:
    if text.count("{file_id}") != 1 or text.replace("{file_id}", "").count("{"):
        raise ValueError(f"{text!r} must hold {{file_id}} exactly once and no other placeholder")
    return text


def _prefix(text: str) -> str:
    return text if text.endswith("/") else text + "/"


def _list(text: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in text.split(",") if item.strip())


VARIABLES: tuple[Variable, ...] = (
    Variable("STAGE", "stage", _text, "dev", "name of this deployment, shown in logs and metrics"),
    Variable("AWS_REGION", "region", _text, "us-east-1", "region of the table and the queues; Lambda sets it"),
    Variable("TABLE_NAME", "table_name", _text, None, "DynamoDB table of jobs"),
    Variable("DISPATCH_QUEUE_URL", "dispatch_queue_url", _text, None, "SQS queue of jobs waiting to become batches"),
    Variable("CHECK_QUEUE_URL", "check_queue_url", _text, None, "SQS queue of batches waiting to be checked"),
    Variable("ASSEMBLY_QUEUE_URL", "assembly_queue_url", _text, None, "SQS queue of archives waiting to be built"),
    Variable("SOURCE_BUCKET", "source_bucket", _text, None, "bucket that holds the files; only read"),
    Variable("ARCHIVE_BUCKET", "archive_bucket", _text, None, "bucket of Lorry's own, for archives"),
    Variable("S3_ENDPOINT", "s3_endpoint", _url, "", "address of an S3-compatible store; empty for AWS"),
    Variable(
        "S3_PUBLIC_ENDPOINT", "s3_public_endpoint", _url, "", "the store's address in links; empty: the same as inside"
    ),
    Variable("S3_REGION", "s3_region", _text, "us-east-1", "region that links to the store are signed for"),
    Variable("S3_ACCESS_KEY_ID", "s3_access_key_id", _text, "", "key of a separate store; empty: the function's role"),
    Variable("S3_SECRET_ACCESS_KEY", "s3_secret_access_key", _text, "", "secret that belongs to S3_ACCESS_KEY_ID"),
    Variable(
        "S3_FORCE_PATH_STYLE", "s3_force_path_style", _boolean, "false", "bucket in the path instead of the host name"
    ),
    Variable("S3_KEY_TEMPLATE", "key_template", _template, "downloads/{file_id}.zip", "object key of a numbered file"),
    Variable("S3_ALLOWED_PREFIX", "allowed_prefix", _prefix, "downloads/", "keys outside it are refused"),
    Variable("JOB_TTL_SECONDS", "job_ttl", _whole(60, 30 * 86_400), "86400", "life of a job after its end"),
    Variable(
        "PRESIGNED_URL_EXPIRY_SECONDS",
        "link_ttl",
        _whole(LINK_TTL_MIN_SECONDS, S3_MAX_PRESIGN_SECONDS),
        str(LINK_TTL_MAX_SECONDS),
        "life of a link unless the request names another",
    ),
    Variable("CHECK_THREADS", "check_concurrency", _whole(1, 64), "16", "HEAD requests that one worker has in flight"),
    Variable(
        "ARCHIVE_MAX_BYTES",
        "archive_max_bytes",
        _whole(10 * MiB, S3_MAX_OBJECT_BYTES),
        str(S3_MAX_OBJECT_BYTES),
        "a larger archive is split into several",
    ),
    Variable("CRC_SOURCE", "crc_source", _one_of("auto", "copy", "head", "read"), "auto", "where CRC-32s come from"),
    Variable("RETRY_BASE_SECONDS", "retry_base", _seconds(0.0, 60.0), "1", "first delay of the exponential backoff"),
    Variable("RETRY_CAP_SECONDS", "retry_cap", _seconds(0.0, 900.0), "120", "longest delay of the backoff"),
    Variable("SWEEP_AFTER_SECONDS", "sweep_after", _whole(1, 3_600), "120", "silence after which a job is driven anew"),
    Variable("CORS_ORIGINS", "cors_origins", _list, "*", "origins that browsers may call from, comma-separated"),
    Variable("PUBLIC_URL", "public_url", _url, "", "base URL for links to the API; empty: as the request came in"),
)
