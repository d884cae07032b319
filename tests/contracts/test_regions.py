"""A source bucket in another region than the stack: files, archives and links, each in its own region."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from chalicelib.archive.parts import Body
from chalicelib.assembly.model import PartReceipt
from chalicelib.aws.clients import Clients
from chalicelib.aws.health import PROBES, HealthProbe
from chalicelib.container import Services
from chalicelib.delivery.presign import Credentials, ExpiringCredentials
from chalicelib.settings import Settings
from tests.contracts.test_health import patient
from tests.support import seaweed
from tests.support.logs import logged
from tests.support.regions import Region, TwoRegions, two_regions
from tests.support.seaweed import ACCESS_KEY_ID, SECRET_ACCESS_KEY, SeaweedFS
from tests.support.servers import refusing
from tests.support.services import ENVIRONMENT

STACK, ELSEWHERE = "us-east-1", "eu-west-1"
KEY, BODY = "downloads/70000.zip", bytes(range(256)) * 400


@pytest.fixture(scope="module")
def other_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFS]:
    with seaweed.running(tmp_path_factory.mktemp("other")) as store:
        store.client().create_bucket(Bucket="files-elsewhere")
        store.client().put_object(Bucket="files-elsewhere", Key=KEY, Body=BODY)
        yield store


@pytest.fixture
def s3(seaweedfs: SeaweedFS, other_store: SeaweedFS, monkeypatch: pytest.MonkeyPatch) -> Iterator[TwoRegions]:
    """S3 with archives in the stack's region and files in another."""
    client = seaweedfs.client()
    if "archives-here" not in [bucket["Name"] for bucket in client.list_buckets()["Buckets"]]:
        client.create_bucket(Bucket="archives-here")
    with two_regions(
        Region(STACK, seaweedfs, "archives-here"), Region(ELSEWHERE, other_store, "files-elsewhere")
    ) as running:
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")  # nothing else of AWS is there
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", running.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
        yield running


def settings(s3: TwoRegions, **changes: str) -> Settings:
    places = {"SOURCE_BUCKET": "files-elsewhere", "ARCHIVE_BUCKET": "archives-here", "AWS_REGION": STACK}
    style = {"S3_REGION": "", "S3_PUBLIC_ENDPOINT": s3.url, "S3_FORCE_PATH_STYLE": "true"}
    return Settings.from_environment({**ENVIRONMENT, **places, **style, **changes})


def services(s3: TwoRegions, **changes: str) -> Services:
    signing = ExpiringCredentials(Credentials(ACCESS_KEY_ID, SECRET_ACCESS_KEY))
    return Services(settings(s3, **changes), link_credentials=lambda: signing)


GIVEN = pytest.mark.parametrize("given", ["", ELSEWHERE], ids=["discovered", "given"])


@GIVEN
def test_files_are_checked_and_linked_in_their_own_region(s3: TwoRegions, given: str) -> None:
    made = services(s3, S3_REGION=given)
    found = made.source.head(KEY)
    assert found is not None and found.size == len(BODY)
    assert [key for page in made.source.pages_below("downloads/") for key, _ in page.objects] == [KEY]
    asked = list(s3.wrong)
    assert httpx.get(made.minter(60).link(KEY, filename="70000.zip")).content == BODY
    assert s3.wrong == asked  # a client follows no redirect that is signed for another region
    assert bool(asked) == (given == "")  # a discovery asks the stack's own region first, once


@GIVEN
def test_an_archive_is_assembled_in_the_stacks_region_from_files_of_another(s3: TwoRegions, given: str) -> None:
    made = services(s3, S3_REGION=given)
    found = made.source.head(KEY)
    assert found is not None
    asked, store, whole = list(s3.wrong), made.archive_store, Body(0, KEY, found.etag, 0, len(BODY))
    store.put("archives/x/specification", b"kept")
    assert store.get("archives/x/specification") == b"kept"
    upload = store.create_upload(f"archives/{given or 'discovered'}.zip", checksummed=True)
    etag, crc32 = store.copy_part(upload, 1, body=whole)
    assert crc32 == zlib.crc32(BODY)
    store.complete(upload, [PartReceipt(0, 1, etag, len(BODY), crc32)], size=len(BODY), crc32=crc32)
    assert list(store.read_many([Body(0, KEY, found.etag, 100, 50)])) == [BODY[100:150]]
    assert store.crc_of(whole).crc32 == zlib.crc32(BODY)
    assert httpx.get(made.archive_minter(60).link(upload.key, filename="all.zip")).content == BODY
    store.delete_below("archives/")
    assert s3.wrong == asked  # no request was signed for the wrong region, and repeated


def test_small_reads_are_quick_in_another_region_too(s3: TwoRegions) -> None:
    """They follow no redirects: each would fail and be made again by the SDK."""
    made = services(s3)
    found = made.source.head(KEY)
    quick = getattr(made.archive_store, "quick_reads", None)
    assert found is not None and quick is not None
    assert quick.read(KEY, found.etag, start=0, size=10) == BODY[:10]


def checked(s3: TwoRegions, **changes: str) -> str:
    made = settings(s3, **changes)
    probe = HealthProbe(Clients(made), made, executor=ThreadPoolExecutor(PROBES), clock=patient())
    return probe.check()["storage"]


@GIVEN
def test_the_health_check_finds_nothing_wrong_with_another_region(s3: TwoRegions, given: str) -> None:
    assert checked(s3, S3_REGION=given) == "ok"


@pytest.mark.parametrize("wrong", [STACK, "ap-south-1"])
def test_the_health_check_reports_a_wrong_region_and_says_which_is_right(s3: TwoRegions, wrong: str) -> None:
    """S3's own client would find its way, but no link and no small read would."""
    with logged() as lines:
        assert checked(s3, S3_REGION=wrong) == "error"
    assert f"S3_REGION is {wrong}, but the bucket files-elsewhere is in {ELSEWHERE}" in lines.getvalue()


def test_while_s3_does_not_answer_the_stacks_region_counts_and_is_not_kept(
    s3: TwoRegions, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Clients(settings(s3))
    with refusing() as nobody:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", nobody)
        assert Clients(settings(s3)).source_region == STACK
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3.url)
    assert made.source_region == ELSEWHERE


def test_files_and_archives_in_one_region_share_a_client(s3: TwoRegions) -> None:
    made = Clients(settings(s3, SOURCE_BUCKET="archives-here"))
    assert made.source_region == made.archive_region == STACK
    assert made.source_bodies is made.archive_store


def test_a_separate_store_has_one_region_for_both(s3: TwoRegions) -> None:
    assert Clients(settings(s3, S3_ENDPOINT="http://store:9000")).archive_region == "us-east-1"
    named = Clients(settings(s3, S3_ENDPOINT="http://store:9000", S3_REGION="garage", AWS_REGION="eu-north-1"))
    assert named.source_region == named.archive_region == "garage"
