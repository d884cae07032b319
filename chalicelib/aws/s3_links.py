"""Presigners for the configured store: with the address that clients use, and with the one that Lorry uses."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import cache
from ipaddress import ip_address
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from botocore.session import get_session

from chalicelib.delivery.links import ExpiringCredentials, Minter
from chalicelib.delivery.presign import Credentials, Presigner
from chalicelib.settings import Settings


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
