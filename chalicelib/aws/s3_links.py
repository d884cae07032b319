"""Links to the store: with which credentials they are signed, and with which address.

A link dies with the credentials that sign it, whatever expiry it carries.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import get_session

from chalicelib.delivery.presign import MARGIN_SECONDS, Credentials, ExpiringCredentials, Minter, Presigner
from chalicelib.errors import InvalidSettings, LinksUnavailable
from chalicelib.limits import LINK_TTL_MIN_SECONDS
from chalicelib.observability import logger
from chalicelib.settings import Settings

if TYPE_CHECKING:
    from chalicelib.aws.clients import Clients

SESSION_SECONDS = 3600  # the most that AWS gives to a role assumed by another role
RENEW_SECONDS = 3000  # with less left, a new session is requested
LEAST_SECONDS = LINK_TTL_MIN_SECONDS + MARGIN_SECONDS  # with less left, nothing is signed
PAUSE_SECONDS = 10  # between failed requests to STS


class Bucket(NamedTuple):
    """A bucket and the region that links to it are signed for."""

    name: str
    region: str


def minter_for(settings: Settings, expiring: ExpiringCredentials, *, bucket: Bucket, ttl: int, now: int) -> Minter:
    """Links to `bucket`, signed `now` (epoch milliseconds), for `ttl` seconds or until the credentials expire."""
    endpoint = settings.s3_public_endpoint or settings.s3_endpoint or regional_endpoint(bucket.region)
    presigner = Presigner(
        credentials=expiring.credentials,
        bucket=bucket.name,
        endpoint=endpoint,
        region=bucket.region,
        path_style=settings.s3_force_path_style or not _fits_host_name(bucket.name, endpoint),
    )
    at = datetime.fromtimestamp(now / 1000, UTC)
    return Minter(presigner, at, expiring.limit(ttl, at))


def internal_presigner(client: Any, bucket: str, *, credentials: Credentials) -> Presigner:
    """Links with the address that an S3 client itself sends requests to."""
    endpoint = client.meta.endpoint_url
    path_style = (client.meta.config.s3 or {}).get("addressing_style") == "path"
    return Presigner(
        credentials=credentials,
        bucket=bucket,
        endpoint=endpoint,
        region=client.meta.region_name,
        path_style=path_style or not _fits_host_name(bucket, endpoint),
    )


@cache
def regional_endpoint(region: str) -> str:
    """The address of S3 in a region, whose partition has a suffix of its own (amazonaws.com.cn)."""
    partitions = get_session().get_data("partitions")["partitions"]
    suffixes = [found["outputs"]["dnsSuffix"] for found in partitions if re.match(found["regionRegex"], region)]
    return f"https://s3.{region}.{suffixes[0] if suffixes else 'amazonaws.com'}"


def _fits_host_name(bucket: str, endpoint: str) -> bool:
    """Whether bucket.endpoint is a host name: not below an IP address, and no certificate covers a bucket with dots."""
    try:
        ip_address(urlsplit(endpoint).hostname or "")
    except ValueError:
        return "." not in bucket
    return False


def link_credentials(
    settings: Settings, clients: Clients, *, now: Callable[[], int]
) -> Callable[[], ExpiringCredentials]:
    """Returns a function that yields credentials good for at least LEAST_SECONDS, or raises LinksUnavailable.

    They are sessions of the role for links, if there is one; else the credentials that the store's clients sign with,
    if they are permanent. `now()` is in epoch milliseconds. Raises InvalidSettings if those expire.
    """
    if settings.link_role_arn and not settings.s3_access_key_id:
        return AssumedRole(clients.sessions, settings.link_role_arn, now=now).current
    credentials = clients.store_credentials()
    if credentials.token:
        raise InvalidSettings("LINK_ROLE_ARN: is not set, and this function's own credentials expire at a time unknown")
    return lambda: ExpiringCredentials(credentials)


class AssumedRole:
    """Sessions of a role, renewed long before they expire."""

    def __init__(self, sts: Any, role_arn: str, *, now: Callable[[], int]) -> None:
        self._sts, self._role_arn, self._now = sts, role_arn, now
        self._session: ExpiringCredentials | None = None
        self._next_attempt = 0
        self._last_error = ""

    def current(self) -> ExpiringCredentials:
        """Returns a session with at least LEAST_SECONDS left. Raises LinksUnavailable."""
        if self._seconds_left() < RENEW_SECONDS and self._now() >= self._next_attempt:
            self._renew()
        if self._session is None or self._seconds_left() < LEAST_SECONDS:
            raise LinksUnavailable(f"role {self._role_arn} cannot be assumed to sign links: {self._last_error}")
        return self._session

    def _seconds_left(self) -> float:
        ends_at = self._session.ends_at if self._session else None
        return (ends_at - self._now()) / 1000 if ends_at is not None else 0.0

    def _renew(self) -> None:
        try:
            self._session = self._new_session()
        except (ClientError, BotoCoreError) as error:
            self._last_error = str(error)
            logger.warning("session for links not renewed", error=str(error), seconds_left=self._seconds_left())
            # Without a usable session there is no pause: the next request may be the one that succeeds.
            if self._seconds_left() >= LEAST_SECONDS:
                self._next_attempt = self._now() + PAUSE_SECONDS * 1000

    def _new_session(self) -> ExpiringCredentials:
        answer = self._sts.assume_role(
            RoleArn=self._role_arn, RoleSessionName="lorry-links", DurationSeconds=SESSION_SECONDS
        )
        given = answer["Credentials"]
        credentials = Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
        return ExpiringCredentials(credentials, ends_at=int(given["Expiration"].timestamp() * 1000))
