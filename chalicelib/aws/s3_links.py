"""Presigners for the configured store: for clients, and for this side of the network."""

from __future__ import annotations

from datetime import datetime
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from chalicelib.delivery.links import ExpiringCredentials, Minter
from chalicelib.delivery.presign import Credentials, Presigner
from chalicelib.settings import Settings


def minter_for(settings: Settings, credentials: ExpiringCredentials, bucket: str, ttl: int, at: datetime) -> Minter:
    """Links to `bucket`, signed at `at` and good for `ttl` seconds, or until the credentials expire."""
    endpoint = settings.s3_public_endpoint or settings.s3_endpoint or regional_endpoint(settings.s3_region)
    presigner = Presigner(
        credentials=credentials.credentials,
        bucket=bucket,
        endpoint=endpoint,
        region=settings.s3_region,
        path_style=settings.s3_force_path_style or not _fits_host_name(bucket, endpoint),
    )
    return Minter(presigner, at, credentials.limit(ttl, at))


def presigner_of(client: Any, bucket: str) -> Presigner:
    """Links for this side of the network: to the address that the client itself talks to."""
    endpoint = client.meta.endpoint_url
    return Presigner(
        credentials=credentials_of(client),
        bucket=bucket,
        endpoint=endpoint,
        region=client.meta.region_name,
        path_style=_is_path_style(client) or not _fits_host_name(bucket, endpoint),
    )


def credentials_of(client: Any) -> Credentials:
    """What a client signs with in this moment. A role's are rotated, so nobody keeps them."""
    frozen = client._request_signer._credentials.get_frozen_credentials()
    return Credentials(frozen.access_key, frozen.secret_key, frozen.token or "")


def _is_path_style(client: Any) -> bool:
    return bool((client.meta.config.s3 or {}).get("addressing_style") == "path")


def _fits_host_name(bucket: str, endpoint: str) -> bool:
    """Whether bucket.endpoint is a host: not below an IP address, and no certificate covers a bucket with dots."""
    try:
        ip_address(urlsplit(endpoint).hostname or "")
    except ValueError:
        return "." not in bucket
    return False


def regional_endpoint(region: str) -> str:
    return f"https://s3.{region}.amazonaws.com"
