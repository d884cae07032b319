"""Links are those of the SDK, byte for byte, and they really download."""

from __future__ import annotations

import itertools
import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.aws.s3_links import Bucket, minter_for, regional_endpoint
from chalicelib.delivery.presign import Credentials, ExpiringCredentials, Presigner
from chalicelib.settings import Settings
from tests.support import seaweed
from tests.support.seaweed import SeaweedFS
from tests.support.services import ENVIRONMENT

LONG_LIVED = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
OF_A_ROLE = Credentials("ASIAEXAMPLE", "secret", "IQoJb3JpZ2luX2VjE//token+with/odd=characters==")
KEYS = [
    "downloads/70000.zip",
    "downloads/with space.zip",
    "downloads/plus+percent%25&and=more.zip",
    "downloads/ünïcödé/名前/😀.zip",
    "downloads/~tilde-_.!*'();:@$,[]{}|\\^`\"<>#?.zip",
    "downloads//double",
    "downloads/trailing/",
    "a",
]
ENDPOINTS = [
    "https://s3.eu-west-1.amazonaws.com",
    "https://store.example.com",
    "https://store.example.com:443",
    "http://store.example.com:80",
    "http://store.example.com:9000",
    "https://Store.Example.Com",
    "https://store.example.com/base",
]


@lru_cache(maxsize=64)
def client(credentials: Credentials, endpoint: str | None, region: str, path_style: bool) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id=credentials.access_key_id,
        aws_secret_access_key=credentials.secret_access_key,
        aws_session_token=credentials.token or None,
        config=Config(signature_version="s3v4", s3={"addressing_style": "path" if path_style else "virtual"}),
    )


def both(presigner: Presigner, key: str, expires: int = 3600, **overrides: str) -> tuple[str, str]:
    """The SDK's link, and ours for the same moment."""
    sdk = client(presigner.credentials, presigner.endpoint, presigner.region, presigner.path_style)
    parameters = {"Bucket": presigner.bucket, "Key": key, **overrides}
    theirs = sdk.generate_presigned_url("get_object", Params=parameters, ExpiresIn=expires)
    return theirs, presigner.link(key, expires=expires, at=signed_at(theirs), response=response(overrides))


def signed_at(link: str) -> datetime:
    found = re.search(r"X-Amz-Date=(\w+)", link)
    assert found is not None
    return datetime.strptime(found[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def response(overrides: Mapping[str, str]) -> dict[str, str]:
    """ "ResponseContentType" of the SDK is "response-content-type" of the wire."""
    return {re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower(): value for name, value in overrides.items()}


def dissected(link: str) -> tuple[str, str, str, list[str]]:
    """A link as its bytes, but for the order of its parameters: the SDK appends some, and no server minds."""
    parts = urlsplit(link)
    return parts.scheme, parts.netloc, parts.path, sorted(parts.query.split("&"))


@pytest.mark.parametrize(("endpoint", "path_style"), list(itertools.product(ENDPOINTS, [True, False])))
@pytest.mark.parametrize("key", KEYS)
def test_a_link_is_the_sdks_byte_for_byte(endpoint: str, path_style: bool, key: str) -> None:
    theirs, ours = both(Presigner(LONG_LIVED, "bucket", endpoint, "eu-west-1", path_style), key)
    assert ours == theirs


@pytest.mark.parametrize("path_style", [True, False])
@pytest.mark.parametrize("key", KEYS)
def test_a_link_signed_by_a_role_carries_its_token(key: str, path_style: bool) -> None:
    theirs, ours = both(Presigner(OF_A_ROLE, "bucket", ENDPOINTS[0], "eu-west-1", path_style), key)
    assert dissected(ours) == dissected(theirs)
    assert "X-Amz-Security-Token=" in ours


@pytest.mark.parametrize("expires", [1, 60, 3600, 604_800])
def test_a_link_lives_as_long_as_asked(expires: int) -> None:
    theirs, ours = both(Presigner(LONG_LIVED, "bucket", ENDPOINTS[0], "us-east-1", True), "a", expires)
    assert ours == theirs


def test_a_link_may_override_headers_of_the_response() -> None:
    presigner = Presigner(OF_A_ROLE, "bucket", ENDPOINTS[1], "us-east-1", True)
    name = "attachment; filename=\"a b.zip\"; filename*=UTF-8''%C3%BC.zip"
    theirs, ours = both(presigner, "a", ResponseContentDisposition=name, ResponseContentType="application/zip")
    assert dissected(ours) == dissected(theirs)


@pytest.mark.parametrize("key", KEYS)
def test_a_link_for_head_is_the_sdks(key: str) -> None:
    presigner = Presigner(OF_A_ROLE, "bucket", ENDPOINTS[0], "us-east-1", True)
    sdk = client(OF_A_ROLE, ENDPOINTS[0], "us-east-1", True)
    theirs = sdk.generate_presigned_url("head_object", Params={"Bucket": "bucket", "Key": key}, ExpiresIn=60)
    ours = presigner.link(key, expires=60, at=signed_at(theirs), method="HEAD")
    assert dissected(ours) == dissected(theirs)


@settings(max_examples=150, deadline=None)
@given(
    key=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40),
    credentials=st.sampled_from([LONG_LIVED, OF_A_ROLE]),
    endpoint=st.sampled_from(ENDPOINTS),
    region=st.sampled_from(["us-east-1", "ap-southeast-2"]),
    path_style=st.booleans(),
)
def test_any_key_is_signed_as_the_sdk_signs_it(
    key: str, credentials: Credentials, endpoint: str, region: str, path_style: bool
) -> None:
    theirs, ours = both(Presigner(credentials, "bucket", endpoint, region, path_style), key)
    assert dissected(ours) == dissected(theirs)


# --- as it is configured ----------------------------------------------------------------


def configured(**environment: str) -> Settings:
    return Settings.from_environment({**ENVIRONMENT, **environment})


def minted(environment: Settings, bucket: str, at: datetime) -> str:
    now = int(at.timestamp() * 1000)
    found = Bucket(bucket, environment.s3_region)
    minter = minter_for(environment, ExpiringCredentials(LONG_LIVED), bucket=found, ttl=60, now=now)
    return minter.presigner.link("a", expires=minter.ttl, at=minter.at)


@pytest.mark.parametrize("bucket", ["bucket", "bucket.with.dots"])
@pytest.mark.parametrize("path_style", ["true", "false"])
@pytest.mark.parametrize("endpoint", ["", "https://store.example.com", "http://127.0.0.1:9000", "http://[::1]:9000"])
def test_the_bucket_goes_where_the_sdk_puts_it(bucket: str, path_style: str, endpoint: str) -> None:
    if endpoint.startswith("http://") and "." in bucket:
        path_style = "true"  # otherwise the SDK would put it before the address: a host that cannot exist
    environment = configured(S3_ENDPOINT=endpoint, S3_FORCE_PATH_STYLE=path_style, S3_REGION="eu-west-1")
    sdk = client(LONG_LIVED, endpoint or None, "eu-west-1", path_style == "true")
    theirs = sdk.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a"}, ExpiresIn=60)
    assert minted(environment, bucket, signed_at(theirs)) == theirs


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "me-south-1", "us-gov-west-1", "cn-north-1"])
def test_a_regions_address_is_the_sdks(region: str) -> None:
    regional = Config(s3={"us_east_1_regional_endpoint": "regional"})
    sdk = boto3.client("s3", region_name=region, config=regional)
    assert regional_endpoint(region) == sdk.meta.endpoint_url


def test_links_bear_the_public_address_where_there_is_one() -> None:
    environment = configured(S3_ENDPOINT="http://inside:9000", S3_PUBLIC_ENDPOINT="https://files.example.com")
    link = minted(environment, "bucket", datetime.now(UTC))
    assert link.startswith("https://bucket.files.example.com/a?")


# --- against a store that checks signatures ---------------------------------------------


def presigner_of(store: SeaweedFS, secret: str = seaweed.SECRET_ACCESS_KEY) -> Presigner:
    return Presigner(Credentials(seaweed.ACCESS_KEY_ID, secret), "links", store.endpoint, seaweed.REGION, True)


@pytest.fixture(scope="module")
def store(seaweedfs: SeaweedFS) -> SeaweedFS:
    seaweedfs.client().create_bucket(Bucket="links")
    return seaweedfs


def opened(link: str) -> tuple[int, bytes, str]:
    try:
        with urllib.request.urlopen(link, timeout=10) as answer:
            return answer.status, answer.read(), answer.headers.get("Content-Disposition", "")
    except urllib.error.HTTPError as error:
        return error.code, b"", ""


@pytest.mark.parametrize("key", [key for key in KEYS if "//" not in key and not key.endswith("/")])
def test_a_link_really_downloads(store: SeaweedFS, key: str) -> None:
    store.client().put_object(Bucket="links", Key=key, Body=key.encode())
    link = presigner_of(store).link(key, expires=60, at=datetime.now(UTC))
    assert opened(link)[:2] == (200, key.encode())


def test_a_download_is_named_as_the_link_says(store: SeaweedFS) -> None:
    store.client().put_object(Bucket="links", Key="a", Body=b"a")
    name = {"response-content-disposition": 'attachment; filename="b.zip"'}
    link = presigner_of(store).link("a", expires=60, at=datetime.now(UTC), response=name)
    assert opened(link) == (200, b"a", 'attachment; filename="b.zip"')


def test_a_link_is_good_for_nothing_else(store: SeaweedFS) -> None:
    for key in ("a", "b"):
        store.client().put_object(Bucket="links", Key=key, Body=b"x")
    now = datetime.now(UTC)
    link = presigner_of(store).link("a", expires=60, at=now)
    assert opened(link.replace("/links/a?", "/links/b?"))[0] == 403
    assert opened(link.replace("X-Amz-Expires=60", "X-Amz-Expires=61"))[0] == 403
    assert opened(presigner_of(store, secret="another").link("a", expires=60, at=now))[0] == 403
    assert opened(presigner_of(store).link("a", expires=60, at=now - timedelta(seconds=120)))[0] == 403
