"""Reading the environment."""

from __future__ import annotations

import re
from typing import Any

import pytest

from chalicelib.errors import InvalidSettings
from chalicelib.settings import SETTINGS, Settings
from tests.support.services import ENVIRONMENT


def read(**changes: str) -> Settings:
    return Settings.from_environment({**ENVIRONMENT, **changes})


@pytest.mark.parametrize("name", sorted(ENVIRONMENT.keys() - {"ALLOW_ANONYMOUS"}))
@pytest.mark.parametrize("blank", ["", "  "])
def test_a_required_variable_that_is_absent_is_named(name: str, blank: str) -> None:
    with pytest.raises(InvalidSettings, match=f"^{name}: is not set"):
        read(**{name: blank})


def test_every_wrong_variable_is_named_at_once() -> None:
    with pytest.raises(InvalidSettings) as caught:
        read(TABLE_NAME="", CHECK_THREADS="0", S3_ENDPOINT="nowhere")
    assert re.findall(r"(?:^|; )([A-Z0-9_]+): ", str(caught.value)) == ["TABLE_NAME", "S3_ENDPOINT", "CHECK_THREADS"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("S3_ENDPOINT", "localhost:4566"),
        ("S3_ENDPOINT", "ftp://store"),
        ("S3_PUBLIC_ENDPOINT", "https://"),
        ("PUBLIC_URL", "example.com"),
        ("S3_FORCE_PATH_STYLE", "yes"),
        ("S3_KEY_TEMPLATE", "downloads/file.zip"),
        ("S3_KEY_TEMPLATE", "downloads/{file_id}/{file_id}.zip"),
        ("S3_KEY_TEMPLATE", "downloads/{file_id}-{name}.zip"),
        ("S3_KEY_TEMPLATE", "downloads/{}.zip"),
        ("JOB_TTL_SECONDS", "59"),
        ("JOB_TTL_SECONDS", "2592001"),
        ("JOB_TTL_SECONDS", "1e5"),
        ("JOB_TTL_SECONDS", "-60"),
        ("PRESIGNED_URL_EXPIRY_SECONDS", "59"),
        ("PRESIGNED_URL_EXPIRY_SECONDS", "604801"),
        ("CHECK_THREADS", "0"),
        ("CHECK_THREADS", "65"),
        ("CHECK_THREADS", "many"),
        ("RETRY_BASE_SECONDS", "-1"),
        ("RETRY_BASE_SECONDS", "nan"),
        ("RETRY_CAP_SECONDS", "901"),
        ("RETRY_CAP_SECONDS", "soon"),
        ("SWEEP_AFTER_SECONDS", "0"),
        ("AUTH_ALGORITHMS", ","),
        ("AUTH_ALGORITHMS", "none"),
        ("AUTH_ALGORITHMS", "rs256"),
        ("AUTH_ALGORITHMS", "RS256,HS256"),
        ("AUTH_LEEWAY_SECONDS", "-1"),
        ("AUTH_LEEWAY_SECONDS", "301"),
        ("AUTH_MODE", "ldap"),
        ("TRUSTED_PROXIES", "10.0.0.0/8, here"),
        ("SOURCE_ADDRESS", "here"),
    ],
)
def test_a_variable_that_makes_no_sense_is_named_with_what_it_means(name: str, value: str) -> None:
    (setting,) = [known for known in SETTINGS if known.name == name]
    with pytest.raises(InvalidSettings) as caught:
        read(**{name: value})
    assert str(caught.value).startswith(f"{name}: ")
    assert setting.help in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("S3_ENDPOINT", "http://127.0.0.1:4566/", "http://127.0.0.1:4566"),
        ("S3_FORCE_PATH_STYLE", "TRUE", True),
        ("S3_KEY_TEMPLATE", "a/{file_id}.bin", "a/{file_id}.bin"),
        ("S3_ALLOWED_PREFIX", "files", "files/"),
        ("S3_ALLOWED_PREFIX", "files/", "files/"),
        ("JOB_TTL_SECONDS", "60", 60),
        ("PRESIGNED_URL_EXPIRY_SECONDS", "604800", 604_800),
        ("RETRY_BASE_SECONDS", "0.25", 0.25),
        ("CORS_ORIGINS", "https://a.test, https://b.test ,", ("https://a.test", "https://b.test")),
        ("PUBLIC_URL", "https://lorry.test/", "https://lorry.test"),
    ],
)
def test_a_variable_is_read_as_what_it_stands_for(name: str, value: str, expected: Any) -> None:
    assert getattr(read(**{name: value}), name.lower()) == expected


def test_an_empty_variable_means_its_default() -> None:
    assert read(JOB_TTL_SECONDS="  ").job_ttl_seconds == 86_400


@pytest.mark.parametrize("absent", ["AUTH_ISSUER", "AUTH_AUDIENCE"])
def test_tokens_need_an_issuer_and_an_audience(absent: str) -> None:
    issuer = {"AUTH_MODE": "jwt", "AUTH_ISSUER": "https://issuer.test/", "AUTH_AUDIENCE": "lorry"}
    assert read(**issuer).auth_issuer == "https://issuer.test/"
    with pytest.raises(InvalidSettings, match="AUTH_ISSUER and AUTH_AUDIENCE"):
        read(**{**issuer, absent: ""})


def test_calls_without_credentials_must_be_allowed_explicitly() -> None:
    with pytest.raises(InvalidSettings, match="AUTH_MODE is none"):
        read(ALLOW_ANONYMOUS="")


def test_the_defaults_are_those_of_the_contract() -> None:
    settings = read()
    assert (settings.s3_key_template, settings.s3_allowed_prefix) == ("downloads/{file_id}.zip", "downloads/")
    assert (settings.job_ttl_seconds, settings.presigned_url_expiry_seconds) == (86_400, 3_600)
    assert settings.cors_origins == ("*",)


def test_every_setting_says_what_it_means_and_what_it_takes() -> None:
    assert all(setting.help and setting.expected for setting in SETTINGS)


def test_the_source_bucket_may_go_by_its_original_name() -> None:
    assert read(SOURCE_BUCKET="", S3_BUCKET_NAME="files").source_bucket == "files"
    assert read(SOURCE_BUCKET="files", S3_BUCKET_NAME="files").source_bucket == "files"


def test_two_names_of_one_variable_with_two_values_are_refused() -> None:
    with pytest.raises(InvalidSettings, match=r"^SOURCE_BUCKET: is 'one', but S3_BUCKET_NAME"):
        read(SOURCE_BUCKET="one", S3_BUCKET_NAME="two")


@pytest.mark.parametrize("word", ["false", "False", "FALSE", " false "])
@pytest.mark.parametrize("name", ["S3_FORCE_PATH_STYLE", "DOWNLOAD_DELAY_ENABLED", "WEBHOOK_ALLOW_LOCAL"])
def test_what_says_false_is_false(name: str, word: str) -> None:
    assert getattr(read(**{name: word}), name.lower()) is False


def test_the_store_is_set_as_in_the_original_service() -> None:
    settings = read(
        S3_ENDPOINT="http://store:9000",
        S3_PUBLIC_ENDPOINT="http://localhost:9000",
        S3_ACCESS_KEY_ID="key",
        S3_SECRET_ACCESS_KEY="secret",
        S3_REGION="eu-central-1",
        S3_FORCE_PATH_STYLE="true",
    )
    assert (settings.s3_endpoint, settings.s3_public_endpoint) == ("http://store:9000", "http://localhost:9000")
    assert (settings.s3_access_key_id, settings.s3_secret_access_key) == ("key", "secret")
    assert (settings.s3_region, settings.s3_force_path_style) == ("eu-central-1", True)
