"""Presigners for the configured store: with the address that clients use, and with the one that Lorry uses."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from chalicelib.delivery.links import ExpiringCredentials, Minter
from chalicelib.delivery.presign import Credentials, Presigner
from chalicelib.settings import Settings


def minter_for(settings: Settings, expiring: ExpiringCredentials, bucket: str, *, ttl: int, now: int) -> Minter:
    """Links to `bucket`, signed `now` (epoch milliseconds), for `ttl` seconds or until the credentials expire."""
    endpoint = settings.s3_public_endpoint or settings.s3_endpoint or regional_endpoint(settings.s3_region)
    presigner = Presigner(
        credentials=expiring.credentials,
        bucket=bucket,
        endpoint=endpoint,
        region=settings.s3_region,
        path_style=settings.s3_force_path_style or not _fits_host_name(bucket, endpoint),
    )
    at = datetime.fromtimestamp(now / 1000, UTC)
    return Minter(presigner, at, expiring.limit(ttl, at))


def internal_presigner(client: Any, bucket: str, credentials: Credentials) -> Presigner:
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


def regional_endpoint(region: str) -> str:
    """The address of S3 in a region."""
    return f"https://s3.{region}.amazonaws.com"


def _fits_host_name(bucket: str, endpoint: str) -> bool:
    """Whether bucket.endpoint is a host name: not below an IP address, and no certificate covers a bucket with dots."""
    try:
        ip_address(urlsplit(endpoint).hostname or "")
    except ValueError:
        return "." not in bucket
    return False
