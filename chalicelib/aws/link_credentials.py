"""Credentials that sign links, and when they end: a link dies with them, whatever it says of itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.aws import clients
from chalicelib.aws.s3_links import credentials_of
from chalicelib.delivery.links import MARGIN_SECONDS, ExpiringCredentials
from chalicelib.delivery.presign import Credentials
from chalicelib.errors import InvalidSettings, LinksUnavailable
from chalicelib.limits import LINK_TTL_MIN_SECONDS
from chalicelib.observability import logger
from chalicelib.settings import Settings

SESSION_SECONDS = 3600  # the longest that AWS gives to a role which another role assumes
RENEW_SECONDS = 3000  # with less than this left, a new session is asked for
LEAST_SECONDS = LINK_TTL_MIN_SECONDS + MARGIN_SECONDS  # with less, nothing is signed
PAUSE_SECONDS = 10  # after a failure, before STS is asked again


def link_credentials(settings: Settings, store: Any, now: Callable[[], int]) -> StaticCredentials | AssumedRole:
    """The store's own keys, or sessions of the links' role, or the process's keys where they last (`store` has them).

    `now` tells epoch milliseconds. Raises InvalidSettings where only a session of unknown end could sign.
    """
    if settings.s3_access_key_id:
        return StaticCredentials(Credentials(settings.s3_access_key_id, settings.s3_secret_access_key))
    if settings.link_role_arn:
        return AssumedRole(clients.session_client(settings), settings.link_role_arn, now)
    own = credentials_of(store)
    if own.token:
        raise InvalidSettings("LINK_ROLE_ARN: is not set, and nobody knows when this function's credentials end")
    return StaticCredentials(own)


@dataclass(frozen=True, slots=True)
class StaticCredentials:
    """Keys that do not end by themselves."""

    credentials: Credentials

    def current(self) -> ExpiringCredentials:
        return ExpiringCredentials(self.credentials)


class AssumedRole:
    """Sessions of a role, a new one long before the old one ends."""

    def __init__(self, sts: Any, role_arn: str, now: Callable[[], int]) -> None:
        self._sts, self._role_arn, self._now = sts, role_arn, now
        self._session: ExpiringCredentials | None = None
        self._next_attempt = 0
        self._trouble = ""

    def current(self) -> ExpiringCredentials:
        if self._seconds_left() < RENEW_SECONDS and self._now() >= self._next_attempt:
            self._renew()
        if self._session is None or self._seconds_left() < LEAST_SECONDS:
            raise LinksUnavailable(f"role {self._role_arn} cannot be assumed to sign links: {self._trouble}")
        return self._session

    def _seconds_left(self) -> float:
        ends_at = self._session.ends_at if self._session else None
        return (ends_at - self._now()) / 1000 if ends_at is not None else 0.0

    def _renew(self) -> None:
        try:
            self._session = self._new_session()
        except (ClientError, BotoCoreError) as error:
            self._trouble = str(error)
            logger.warning("no new session to sign links with", error=str(error), seconds_left=self._seconds_left())
            # Only where there is something to go on with; without, the next request may be the one that succeeds.
            if self._seconds_left() >= LEAST_SECONDS:
                self._next_attempt = self._now() + PAUSE_SECONDS * 1000

    def _new_session(self) -> ExpiringCredentials:
        answer = self._sts.assume_role(
            RoleArn=self._role_arn, RoleSessionName="lorry-links", DurationSeconds=SESSION_SECONDS
        )
        given = answer["Credentials"]
        credentials = Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
        return ExpiringCredentials(credentials, ends_at=int(given["Expiration"].timestamp() * 1000))
