"""Every setting once: name, type, range, default, help. The only module that reads os.environ.

docs/settings.md is generated from `Settings`, and so are the parameters and the environment of the functions in the
template (infra/settings_template.py). Times are seconds unless a name says otherwise.
"""

# No `from __future__ import annotations`: evaluating sixty annotations from text would cost every cold start.

import os
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

import msgspec
from msgspec import Meta

from chalicelib.environment import (
    Address,
    IssuerUrl,
    KeyTemplate,
    Networks,
    Prefix,
    Setting,
    Url,
    WebsocketUrl,
    settings_of,
)
from chalicelib.errors import InvalidSettings
from chalicelib.limits import (
    LINK_TTL_MAX_SECONDS,
    LINK_TTL_MIN_SECONDS,
    S3_MAX_OBJECT_BYTES,
    S3_MAX_PRESIGN_SECONDS,
    MiB,
)

# What an issuer may sign with: no algorithm whose key the verifier shares.
Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]

DAY = 86_400

# Not every function reads every setting, and Lambda takes 4 KB of them.
API = Meta(extra={"functions": ("APIHandler",)})
CALLERS = Meta(extra={"functions": ("APIHandler", "WebsocketConnect", "WebsocketMessage")})
WEBHOOKS = Meta(extra={"functions": ("Webhook",)})
DEAD_LETTERS = Meta(extra={"functions": ("DeadLetters",)})
CALLBACKS = Meta(extra={"functions": ("APIHandler", "Webhook")})

Count = Annotated[int, Meta(ge=1, le=10_000_000)]
Delay = Annotated[int, Meta(ge=0, le=600_000)]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The configuration of one deployment. The variable of a field is its name in capital letters."""

    stage: Annotated[str, Meta(description="name of this deployment, shown in logs and metrics")] = "dev"
    aws_region: Annotated[str, Meta(description="region of the table and the queues; Lambda sets it")] = "us-east-1"
    table_name: Annotated[str, Meta(description="DynamoDB table of jobs")]
    dispatch_queue_url: Annotated[str, Meta(description="SQS queue of jobs to divide into batches")]
    check_queue_url: Annotated[str, Meta(description="SQS queue of batches to check")]
    assembly_queue_url: Annotated[str, Meta(description="SQS queue of archives to build")]
    webhook_queue_url: Annotated[str, Meta(description="SQS queue of webhooks to send")]
    webhook_dead_letters_url: Annotated[str, Meta(description="SQS queue of webhooks that no attempt delivered")] = ""
    unreadable_queue_url: Annotated[str, Meta(description="SQS queue of messages that no worker can read")] = ""
    secret_id: Annotated[str, Meta(description="Secrets Manager secret that signs webhooks and tickets")]

    source_bucket: Annotated[
        str,
        Meta(description="bucket that holds the files; never written to", extra={"alias": "S3_BUCKET_NAME"}),
    ]
    archive_bucket: Annotated[str, Meta(description="bucket that archives are written to")]
    s3_endpoint: Annotated[Url, Meta(description="address of an S3-compatible store; empty for AWS")] = ""
    s3_public_endpoint: Annotated[Url, Meta(description="address of the store in links; empty for S3_ENDPOINT")] = ""
    s3_region: Annotated[
        str,
        Meta(description="region of the source bucket; empty to ask S3. With S3_ENDPOINT, of that store (us-east-1)"),
    ] = ""
    s3_access_key_id: Annotated[str, Meta(description="key of a separate store; empty for the function's role")] = ""
    s3_secret_access_key: Annotated[str, Meta(description="secret that belongs to S3_ACCESS_KEY_ID")] = ""
    s3_force_path_style: Annotated[bool, Meta(description="name the bucket in the path of URLs, not in the host")] = (
        False
    )
    s3_key_template: Annotated[KeyTemplate, Meta(description="object key of a numbered file")] = (
        "downloads/{file_id}.zip"
    )
    s3_allowed_prefix: Annotated[Prefix, Meta(description="keys outside this prefix are refused")] = "downloads/"
    link_role_arn: Annotated[str, Meta(description="role that signs links; empty with the keys of a store")] = ""
    presigned_url_expiry_seconds: Annotated[
        int,
        Meta(ge=LINK_TTL_MIN_SECONDS, le=S3_MAX_PRESIGN_SECONDS),
        Meta(description="how long a link works, unless the request says otherwise"),
    ] = LINK_TTL_MAX_SECONDS

    job_ttl_seconds: Annotated[int, Meta(ge=60, le=30 * DAY, description="how long a job is kept after its end")] = DAY
    check_threads: Annotated[int, Meta(ge=1, le=64, description="HEAD requests that one worker has in flight")] = 16
    check_concurrency: Annotated[
        int,
        Meta(ge=1, le=275, description="batches that are checked at the same time and share what S3 takes a second"),
        Meta(extra={"functions": ("Check",)}),
    ] = 1
    assembly_concurrency: Annotated[
        int,
        Meta(ge=1, le=175, description="chunks that are built at the same time and share what S3 takes a second"),
        Meta(extra={"functions": ("Assemble",)}),
    ] = 1
    archive_max_bytes: Annotated[
        int, Meta(ge=10 * MiB, le=S3_MAX_OBJECT_BYTES, description="a larger archive is split into several")
    ] = S3_MAX_OBJECT_BYTES
    crc_source: Annotated[
        Literal["auto", "copy", "head", "read"],
        Meta(description="where CRC-32s of copied files come from; auto asks the store"),
    ] = "auto"
    retry_base_seconds: Annotated[float, Meta(ge=0, le=60, description="first delay of the exponential backoff")] = 1.0
    retry_cap_seconds: Annotated[float, Meta(ge=0, le=900, description="longest delay of the backoff")] = 120.0
    max_receive_count: Annotated[
        int,
        Meta(ge=2, le=20, description="runs, and deliveries, of a message before its job fails"),
        DEAD_LETTERS,
    ] = 10
    sweep_after_seconds: Annotated[
        int, Meta(ge=1, le=3_600, description="silence after which a job is set going again")
    ] = 120

    webhook_allow_local: Annotated[
        bool,
        Meta(description="accept callback URLs that use http or lead to this machine; for local work only"),
        CALLBACKS,
    ] = False
    webhook_rate_limit: Annotated[
        Count, Meta(description="webhooks sent in a minute for jobs of one caller, and to one host"), WEBHOOKS
    ] = 600
    webhook_retry_base_seconds: Annotated[
        float, Meta(ge=0, le=3_600, description="first delay of a webhook"), WEBHOOKS
    ] = 5.0
    webhook_retry_cap_seconds: Annotated[
        float, Meta(ge=0, le=43_200, description="longest delay of a webhook"), WEBHOOKS
    ] = 10_800.0

    dashboard_sentry_dsn: Annotated[
        str, Meta(description="Sentry project that receives errors of the dashboard's pages; empty for none"), API
    ] = ""
    jaeger_ui_url: Annotated[
        Url, Meta(description="address of Jaeger's pages, which the dashboard links to; empty for none"), API
    ] = ""
    public_url: Annotated[Url, Meta(description="base URL of the API in links; empty for that of the request")] = ""
    websocket_url: Annotated[WebsocketUrl, Meta(description="address of the WebSocket API, shown by GET /")] = ""
    websocket_endpoint: Annotated[Url, Meta(description="where messages to open WebSockets are posted")] = ""
    cors_origins: Annotated[
        tuple[str, ...], Meta(description="origins that browsers may call from, separated by commas")
    ] = ("*",)
    auth_mode: Annotated[
        Literal["none", "jwt", "iam"],
        Meta(description="who may call: anyone, bearers of an issuer's tokens, or callers with IAM signatures"),
    ] = "none"
    allow_anonymous: Annotated[bool, Meta(description="confirms AUTH_MODE none, which is refused without it")] = False
    auth_issuer: Annotated[IssuerUrl, Meta(description="URL of the OIDC issuer, exactly as in the tokens' iss")] = ""
    auth_audience: Annotated[str, Meta(description="audience (aud) that tokens must have")] = ""
    auth_client_id: Annotated[
        str, Meta(description="OIDC client that people sign in with on the dashboard; empty to paste a token"), API
    ] = ""
    auth_origins: Annotated[
        tuple[str, ...],
        Meta(description="origins beside the issuer's that signing in calls, such as Cognito's domain"),
        API,
    ] = ()
    auth_jwks_url: Annotated[Url, Meta(description="address of the issuer's keys; empty to discover it")] = ""
    auth_algorithms: Annotated[
        tuple[Algorithm, ...],
        Meta(min_length=1, description="algorithms of accepted signatures, separated by commas"),
    ] = ("RS256", "ES256")
    auth_leeway_seconds: Annotated[int, Meta(ge=0, le=300, description="clock skew that is tolerated in tokens")] = 60
    ticket_ttl_seconds: Annotated[int, Meta(ge=60, le=3_600, description="how long a ticket for a job is valid")] = 900

    rate_limit_max_requests: Annotated[Count, Meta(description="requests of one caller in a window"), CALLERS] = 2_000
    rate_limit_stream_requests: Annotated[
        Count, Meta(description="requests of one caller for event streams in a window"), API
    ] = 1_000
    rate_limit_window_ms: Annotated[
        int, Meta(ge=1_000, le=3_600_000, description="length of a window in milliseconds"), CALLERS
    ] = 60_000
    rate_limit_ipv6_prefix: Annotated[
        int, Meta(ge=16, le=128, description="bits of an IPv6 address that one caller is taken to control"), CALLERS
    ] = 48
    sentry_test: Annotated[
        bool, Meta(description="whether `POST /v1/download/check?sentry_test=true` raises an error on purpose"), API
    ] = False
    source_address: Annotated[
        Address,
        Meta(description="address of every caller; empty for what API Gateway reports (emulators trust a header)"),
        CALLERS,
    ] = ""
    trusted_proxies: Annotated[
        Networks, Meta(description="networks of proxies whose X-Forwarded-For header is trusted"), CALLERS
    ] = ()
    stream_wait_seconds: Annotated[
        float, Meta(ge=0, le=20, description="longest wait of an event stream for a change"), API
    ] = 10.0
    stream_max_waiting: Annotated[
        int, Meta(ge=0, le=10_000, description="event streams that may wait at once; others answer at once"), API
    ] = 10
    request_timeout_ms: Annotated[
        int, Meta(ge=100, le=28_000, description="longest wait of the deprecated start request, in milliseconds"), API
    ] = 25_000
    download_delay_enabled: Annotated[
        bool, Meta(description="delay start requests, to show why not to use them"), API
    ] = False
    download_delay_min_ms: Annotated[
        Delay, Meta(description="shortest delay of a start request, in milliseconds"), API
    ] = 10_000
    download_delay_max_ms: Annotated[
        Delay, Meta(description="longest delay of a start request, in milliseconds"), API
    ] = 120_000

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Reads every setting. Raises InvalidSettings naming each variable that is missing or wrong."""
        values: dict[str, Any] = {}
        wrong: list[str] = []
        for setting in SETTINGS:
            try:
                values[setting.field] = setting.read(environment)
            except ValueError as error:
                wrong.append(f"{setting.name}: {error} ({setting.help})")
        made = None if wrong else cls(**values)
        wrong += _contradictions(made) if made else []
        if made is None or wrong:
            raise InvalidSettings("; ".join(wrong))
        return made


SETTINGS: tuple[Setting, ...] = settings_of(Settings)


def _contradictions(settings: Settings) -> list[str]:
    """Settings that are right alone and wrong together."""
    found = []
    if bool(settings.s3_access_key_id) != bool(settings.s3_secret_access_key):
        found.append("S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY: set both or neither")
    if settings.retry_base_seconds > settings.retry_cap_seconds:
        found.append("RETRY_BASE_SECONDS is larger than RETRY_CAP_SECONDS")
    if settings.download_delay_min_ms > settings.download_delay_max_ms:
        found.append("DOWNLOAD_DELAY_MIN_MS is larger than DOWNLOAD_DELAY_MAX_MS")
    if settings.auth_mode == "none" and not settings.allow_anonymous:
        found.append("AUTH_MODE is none, so anyone could call: set it to jwt or iam, or ALLOW_ANONYMOUS to true")
    if settings.auth_mode == "jwt" and not (settings.auth_issuer and settings.auth_audience):
        found.append("AUTH_MODE is jwt, which needs AUTH_ISSUER and AUTH_AUDIENCE")
    return found


def stage() -> str:
    """The stage that logs and metrics name, even where the other settings are invalid."""
    return os.environ.get("STAGE") or "none"


def running_function() -> str:
    """The function of app.py that Lambda runs in this process, empty elsewhere."""
    return os.environ.get("_HANDLER", "").rpartition(".")[2]
