"""Reads small ranges for half the CPU that the SDK spends on one.

An archive of small files is bound by the CPU of each GET, not by bytes. So a read is a presigned link, fetched through
a pool of connections with the addresses, timeouts, proxies and certificates of the SDK's client. Any answer but the
requested bytes counts as none; the caller then asks the SDK, which knows retries, redirects and error codes.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import msgspec
import urllib3
from botocore.exceptions import BotoCoreError
from urllib3.exceptions import HTTPError

from chalicelib.aws.clients import Pace
from chalicelib.aws.s3_links import internal_presigner
from chalicelib.delivery.presign import Credentials, Presigner

LINK_SECONDS = 300  # more than a request may wait for a connection


class QuickReads(msgspec.Struct, frozen=True):
    """Reads ranges of objects, each when `pace` lets it. `presigner()` signs with current credentials.

    `connections()` returns the same pool at each call; making it takes a while.
    """

    presigner: Callable[[], Presigner]
    connections: Callable[[], urllib3.PoolManager]
    pace: Pace

    def read(self, key: str, etag: str, *, start: int, size: int) -> bytes | None:
        """Returns these bytes of this version of an object, or None if the store answers anything else."""
        headers = {"If-Match": f'"{etag}"', "Range": f"bytes={start}-{start + size - 1}"}
        self.pace.wait()
        try:
            answer = self._get(key, headers)
        except (HTTPError, BotoCoreError):
            return None
        self.pace.heard(answer.status)
        return answer.data if answer.status == 206 and len(answer.data) == size else None

    def _get(self, key: str, headers: dict[str, str]) -> urllib3.BaseHTTPResponse:
        link = self.presigner().link(
            key, expires=LINK_SECONDS, at=datetime.fromtimestamp(self.pace.system.seconds(), UTC)
        )
        pool = self.connections().connection_from_url(link)
        return pool.urlopen(
            "GET",
            _target(link, pool),
            headers=headers,
            retries=False,
            redirect=False,
            assert_same_host=False,  # a proxy's is another
            decode_content=False,
        )


def quick_reads(
    client: Any,
    bucket: str,
    *,
    credentials: Callable[[], Credentials],
    ca_bundle: str | None,
    pace: Pace,
) -> QuickReads:
    """Reads of `bucket` at the address and with the timeouts of an S3 client.

    `ca_bundle` names a file of certificates to trust instead of the system's.
    """
    config = client.meta.config

    @cache
    def connections() -> urllib3.PoolManager:
        options: dict[str, Any] = {
            "maxsize": config.max_pool_connections,
            "timeout": urllib3.Timeout(connect=config.connect_timeout, read=config.read_timeout),
            "ssl_context": ssl.create_default_context(cafile=ca_bundle),
        }
        return _connections(_proxy_of(client.meta.endpoint_url), options)

    return QuickReads(lambda: internal_presigner(client, bucket, credentials=credentials()), connections, pace)


def _connections(proxy: str | None, options: dict[str, Any]) -> urllib3.PoolManager:
    if not proxy:
        return urllib3.PoolManager(**options)
    auth = urllib3.util.parse_url(proxy).auth
    headers = urllib3.make_headers(proxy_basic_auth=unquote(auth)) if auth else None
    return urllib3.ProxyManager(proxy, proxy_headers=headers, **options)


def _target(link: str, pool: urllib3.HTTPConnectionPool) -> str:
    """What the request line says: the whole URL to a proxy that forwards http, else path and query.

    A pool would resolve `.` and `..` in a whole URL, which are part of some keys; it leaves a path as it is.
    """
    parts = urlsplit(link)
    return link if pool.proxy and parts.scheme == "http" else f"{parts.path}?{parts.query}"


def _proxy_of(endpoint: str) -> str | None:
    """The proxy that the environment names for this address, chosen as the SDK does."""
    parts = urlsplit(endpoint)
    proxy = None if proxy_bypass(parts.netloc) else getproxies().get(parts.scheme)
    return f"http://{proxy.removeprefix('//')}" if proxy and "://" not in proxy else proxy
