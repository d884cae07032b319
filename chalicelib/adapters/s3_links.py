"""Presigners for the configured store, signed with whatever credentials its client has at that moment."""

from __future__ import annotations

from datetime import datetime
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from chalicelib.links.minter import Minter
from chalicelib.links.presign import Credentials, Presigner
from chalicelib.settings import Settings


def minter_for(settings: Settings, client: Any, bucket: str, ttl: int, at: datetime) -> Minter:
    """Links to `bucket`. Credentials are asked for each time, because a role's are rotated."""
    frozen = client._request_signer._credentials.get_frozen_credentials()
    credentials = Credentials(frozen.access_key, frozen.secret_key, frozen.token or "")
    endpoint = settings.s3_public_endpoint or settings.s3_endpoint or regional_endpoint(settings.s3_region)
    presigner = Presigner(
        credentials=credentials,
        bucket=bucket,
        endpoint=endpoint,
        region=settings.s3_region,
        path_style=settings.s3_force_path_style or not _fits_host_name(bucket, endpoint),
    )
    return Minter(presigner, at, ttl)


def _fits_host_name(bucket: str, endpoint: str) -> bool:
    """Whether bucket.endpoint is a host: not below an IP address, and no certificate covers a bucket with dots."""
    try:
        ip_address(urlsplit(endpoint).hostname or "")
    except ValueError:
        return "." not in bucket
    return False


def regional_endpoint(region: str) -> str:
    return f"https://s3.{region}.amazonaws.com"
