"""Every environment variable that Lorry reads, once: docs/settings.md is generated from this table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

from chalicelib.limits import (
    LINK_TTL_MAX_SECONDS,
    LINK_TTL_MIN_SECONDS,
    S3_MAX_OBJECT_BYTES,
    S3_MAX_PRESIGN_SECONDS,
    MiB,
)

Network = IPv4Network | IPv6Network

DAY_SECONDS = 86_400
# What an issuer may sign with: nothing whose key a verifier shares.
ASYMMETRIC = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")


@dataclass(frozen=True, slots=True)
class Variable:
    """One environment variable: the field it fills, how it is read, its default (None: required), what it means.

    `alias` is another name of it, by which the original service knew it.
    """

    name: str
    field: str
    parse: Callable[[str], Any]
    default: str | None
    meaning: str
    alias: str = ""


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


def _url_as_it_is(text: str) -> str:
    """An issuer is compared letter by letter, a slash at its end included."""
    _url(text)
    return text


def _websocket(text: str) -> str:
    if text and (urlsplit(text).scheme not in ("ws", "wss") or not urlsplit(text).netloc):
        raise ValueError(f"{text!r} is not a ws(s) URL")
    return text.rstrip("/")


def _template(text: str) -> str:
    if text.count("{file_id}") != 1 or text.replace("{file_id}", "").count("{"):
        raise ValueError(f"{text!r} must hold {{file_id}} exactly once and no other placeholder")
    return text


def _prefix(text: str) -> str:
    return text if text.endswith("/") else text + "/"


def _list(text: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in text.split(",") if item.strip())


def _some_of(*choices: str) -> Callable[[str], tuple[str, ...]]:
    parse_one = _one_of(*choices)
    return lambda text: tuple(parse_one(item) for item in _list(text))


def _networks(text: str) -> tuple[Network, ...]:
    return tuple(ip_network(item) for item in _list(text))


def _address(text: str) -> str:
    return str(ip_address(text)) if text else ""


VARIABLES: tuple[Variable, ...] = (
    Variable("STAGE", "stage", _text, "dev", "name of this deployment, shown in logs and metrics"),
    Variable("AWS_REGION", "region", _text, "us-east-1", "region of the table and the queues; Lambda sets it"),
    Variable("TABLE_NAME", "table_name", _text, None, "DynamoDB table of jobs"),
    Variable("DISPATCH_QUEUE_URL", "dispatch_queue_url", _text, None, "SQS queue of jobs waiting to become batches"),
    Variable("CHECK_QUEUE_URL", "check_queue_url", _text, None, "SQS queue of batches waiting to be checked"),
    Variable("ASSEMBLY_QUEUE_URL", "assembly_queue_url", _text, None, "SQS queue of archives waiting to be built"),
    Variable(
        "SOURCE_BUCKET",
        "source_bucket",
        _text,
        None,
        "bucket that holds the files; only read; also named S3_BUCKET_NAME",
        alias="S3_BUCKET_NAME",
    ),
    Variable("ARCHIVE_BUCKET", "archive_bucket", _text, None, "bucket of Lorry's own, for archives"),
    Variable("S3_ENDPOINT", "s3_endpoint", _url, "", "address of an S3-compatible store; empty for AWS"),
    Variable(
        "S3_PUBLIC_ENDPOINT",
        "s3_public_endpoint",
        _url,
        "",
        "the store's address in links; empty: the same as inside",
    ),
    Variable("S3_REGION", "s3_region", _text, "us-east-1", "region that links to the store are signed for"),
    Variable("S3_ACCESS_KEY_ID", "s3_access_key_id", _text, "", "key of a separate store; empty: the function's role"),
    Variable("S3_SECRET_ACCESS_KEY", "s3_secret_access_key", _text, "", "secret that belongs to S3_ACCESS_KEY_ID"),
    Variable(
        "S3_FORCE_PATH_STYLE",
        "s3_force_path_style",
        _boolean,
        "false",
        "bucket in the path instead of the host name",
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
    Variable("WEBSOCKET_URL", "websocket_url", _websocket, "", "address of the WebSocket API, told by GET /"),
    Variable("WEBSOCKET_ENDPOINT", "websocket_endpoint", _url, "", "where messages to open WebSockets are posted"),
    Variable("WEBHOOK_QUEUE_URL", "webhook_queue_url", _text, None, "SQS queue of webhooks waiting to be sent"),
    Variable(
        "WEBHOOK_DEAD_LETTERS_URL", "webhook_dead_letters_url", _text, "", "SQS queue of webhooks that were given up"
    ),
    Variable(
        "WEBHOOK_ALLOW_LOCAL",
        "webhook_allow_local",
        _boolean,
        "false",
        "callback URLs may be http and may lead to this machine; for local work only",
    ),
    Variable(
        "WEBHOOK_RETRY_BASE_SECONDS",
        "webhook_retry_base",
        _seconds(0.0, 3_600.0),
        "5",
        "first delay of a webhook",
    ),
    Variable(
        "WEBHOOK_RETRY_CAP_SECONDS",
        "webhook_retry_cap",
        _seconds(0.0, 43_200.0),
        "10800",
        "longest delay of a webhook",
    ),
    Variable("SECRET_ID", "secret_id", _text, None, "Secrets Manager secret that webhooks and tickets are signed with"),
    Variable(
        "LINK_ROLE_ARN",
        "link_role_arn",
        _text,
        "",
        "role that is assumed to sign links; empty with keys of a store",
    ),
    Variable("AUTH_MODE", "auth_mode", _one_of("none", "jwt", "iam"), "none", "who may call"),
    Variable("ALLOW_ANONYMOUS", "allow_anonymous", _boolean, "false", "AUTH_MODE none is meant, not forgotten"),
    Variable("AUTH_ISSUER", "auth_issuer", _url_as_it_is, "", "`iss` of accepted tokens, the OIDC issuer's URL"),
    Variable("AUTH_AUDIENCE", "auth_audience", _text, "", "`aud` that a token must have"),
    Variable("AUTH_JWKS_URL", "auth_jwks_url", _url, "", "the issuer's keys; empty: as its discovery document says"),
    Variable(
        "AUTH_ALGORITHMS",
        "auth_algorithms",
        _some_of(*ASYMMETRIC),
        "RS256,ES256",
        "algorithms of accepted signatures",
    ),
    Variable("AUTH_LEEWAY_SECONDS", "auth_leeway", _whole(0, 300), "60", "clock skew that is tolerated in tokens"),
    Variable("TICKET_TTL_SECONDS", "ticket_ttl", _whole(60, 3_600), "900", "life of a ticket for one job"),
    Variable(
        "RATE_LIMIT_MAX_REQUESTS",
        "rate_limit",
        _whole(1, 10_000_000),
        "2000",
        "requests of a caller in a window",
    ),
    Variable(
        "RATE_LIMIT_STREAM_REQUESTS",
        "rate_limit_streams",
        _whole(1, 10_000_000),
        "1000",
        "the same for event streams",
    ),
    Variable("RATE_LIMIT_WINDOW_MS", "rate_window_ms", _whole(1_000, 3_600_000), "60000", "length of a window"),
    Variable(
        "SOURCE_ADDRESS",
        "source_address",
        _address,
        "",
        "taken for the caller's address; empty: as API Gateway reports it (emulators believe a header)",
    ),
    Variable(
        "TRUSTED_PROXIES",
        "trusted_proxies",
        _networks,
        "",
        "networks of proxies whose X-Forwarded-For is believed",
    ),
    Variable(
        "IDEMPOTENCY_TTL_SECONDS",
        "idempotency_ttl",
        _whole(60, 7 * DAY_SECONDS),
        str(DAY_SECONDS),
        "how long an Idempotency-Key is remembered",
    ),
    Variable("STREAM_WAIT_SECONDS", "stream_wait", _seconds(0.0, 20.0), "10", "longest wait of an event stream"),
    Variable(
        "STREAM_MAX_WAITING",
        "stream_waiters",
        _whole(0, 10_000),
        "50",
        "event streams that may wait at once; others answer without waiting",
    ),
    Variable("REQUEST_TIMEOUT_MS", "request_timeout_ms", _whole(100, 28_000), "25000", "longest wait of `start`"),
    Variable(
        "DOWNLOAD_DELAY_ENABLED",
        "delay_enabled",
        _boolean,
        "false",
        "let `start` wait, to show why not to use it",
    ),
    Variable("DOWNLOAD_DELAY_MIN_MS", "delay_min_ms", _whole(0, 600_000), "10000", "shortest such wait"),
    Variable("DOWNLOAD_DELAY_MAX_MS", "delay_max_ms", _whole(0, 600_000), "120000", "longest such wait"),
)
