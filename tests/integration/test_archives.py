"""Archives as a client gets them, with the store on MiniStack and again on SeaweedFS."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from tests.integration.deployment import Deployment, Document, counts, key, noise, unzipped

MiB = 1024 * 1024
SIZES = (
    *(0, 1, 700, 0, 5 * MiB - 1, 5 * MiB, 5 * MiB + 1, 6 * MiB, 17 * MiB),
    *(20 * MiB + 3, 30, 25 * MiB, 22 * MiB + 1, 100_000),
)
ABSENT = 65_999
TINY = range(66_000, 68_000)


@dataclass(frozen=True)
class Finished:
    """A job that is ready, the bytes of its only archive, and what should be in it by name."""

    job: Document
    data: bytes
    contents: dict[str, bytes]


def named(contents: dict[int, bytes]) -> dict[str, bytes]:
    return {f"{file_id}.zip": data for file_id, data in contents.items()}


def archived(deployment: Deployment, contents: dict[int, bytes], *more: int) -> Finished:
    """A job with an archive of `contents` and of the files `more`, which are not there."""
    job = deployment.run([*contents, *more], archive={"filename": "Fotos für Zoë.zip"})
    assert (job["status"], job["error"]) == ("ready", None)
    (archive,) = job["archives"]
    data = deployment.fetch(archive["url"])
    assert len(data) == archive["size"] == job["bytes"]["total"] == job["bytes"]["done"]
    return Finished(job, data, named(contents))


@pytest.fixture(scope="module")
def mixed(deployment: Deployment) -> Finished:
    """Files on both sides of every size at which S3's rules change, and one that is missing."""
    contents = {65_000 + n: noise(size, n) for n, size in enumerate(SIZES)}
    deployment.put_all(contents)
    return archived(deployment, contents, ABSENT)


def test_every_file_is_in_the_archive_byte_by_byte(mixed: Finished) -> None:
    entries = unzipped(mixed.data)
    assert list(entries)[-1] == "MANIFEST.json"
    del entries["MANIFEST.json"]
    assert entries == mixed.contents


def test_the_manifest_tells_what_became_of_every_file(mixed: Finished) -> None:
    rows = json.loads(unzipped(mixed.data)["MANIFEST.json"])["files"]
    assert [row["file_id"] for row in rows] == [*range(65_000, 65_000 + len(SIZES)), ABSENT]
    assert [row["size"] for row in rows] == [*SIZES, None]
    assert (rows[-1]["state"], rows[-1]["name"], rows[-1]["crc32"]) == ("missing", None, None)
    assert counts(mixed.job) == (len(SIZES), 1, 0)


@pytest.mark.parametrize("big", [False, True], ids=["one small file", "copied"])
def test_an_archive_without_manifest_holds_the_files_alone(deployment: Deployment, mixed: Finished, big: bool) -> None:
    wanted = [65_001, 65_005, ABSENT, 65_009] if big else [65_002, ABSENT]
    job = deployment.run(wanted, archive={"manifest": False})
    (archive,) = job["archives"]
    data = deployment.fetch(archive["url"])
    names = [f"{file_id}.zip" for file_id in wanted if file_id != ABSENT]
    assert unzipped(data) == {name: mixed.contents[name] for name in names}
    assert (archive["manifest"], archive["entries"], archive["size"]) == (None, len(names), len(data))
    assert job["archive"]["manifest"] is False


def test_crcs_come_from_where_the_store_can_tell_them(deployment: Deployment, mixed: Finished) -> None:
    (archive,) = mixed.job["archives"]
    assert archive["crcSource"] == deployment.crc_source
    assert archive["verified"] == (deployment.crc_source == "copy")
    assert archive["entries"] == len(SIZES) + 1
    assert archive["longPaths"] == 0
    assert archive["parts"] > 5


def test_the_download_redirects_to_a_link_with_the_right_name(deployment: Deployment, mixed: Finished) -> None:
    for path in ("", "/archives/0"):
        answer = deployment.call("GET", f"/v1/download/{mixed.job['jobId']}{path}")
        assert answer.status_code == 302
        download = deployment.http.get(answer.headers["location"])
        assert download.content == mixed.data
        assert download.headers["content-type"] == "application/zip"
        disposition = download.headers["content-disposition"]
        assert (
            disposition
            == "attachment; filename=\"Fotos fur Zoe.zip\"; filename*=UTF-8''Fotos%20f%C3%BCr%20Zo%C3%AB.zip"
        )


def test_a_download_that_was_cut_off_goes_on_by_range(deployment: Deployment, mixed: Finished) -> None:
    (archive,) = mixed.job["archives"]
    half = len(mixed.data) // 2
    first = deployment.http.get(archive["address"], headers={"Range": f"bytes=0-{half - 1}"}, follow_redirects=True)
    assert (first.status_code, first.headers["content-range"]) == (206, f"bytes 0-{half - 1}/{len(mixed.data)}")
    rest = deployment.fetch(archive["address"], Range=f"bytes={half}-")
    assert first.content + rest == mixed.data


def test_every_file_has_an_address_of_its_own(deployment: Deployment, mixed: Finished) -> None:
    for file in mixed.job["files"][:9]:
        assert deployment.fetch(file["address"]) == mixed.contents[f"{file['id']}.zip"]
    missing = deployment.http.get(mixed.job["files"][-1]["address"])
    assert (missing.status_code, missing.json()["error"]) == (404, "no_such_result")
    for path in ("files/15", "archives/1", "files/-1", "files/x"):
        answer = deployment.call("GET", f"/v1/download/{mixed.job['jobId']}/{path}")
        assert (answer.status_code, answer.json()["error"]) == (404, "no_such_result")


def test_nothing_but_the_archive_is_left_when_the_job_has_ended(deployment: Deployment, mixed: Finished) -> None:
    deployment.tidied(mixed.job["jobId"])
    assert len(deployment.archive_keys(mixed.job["jobId"])) == 1


@pytest.mark.slow
def test_two_thousand_tiny_files(deployment: Deployment) -> None:
    contents = {file_id: b"tiny %d" % file_id for file_id in TINY}
    deployment.put_all(contents)
    done = archived(deployment, contents)
    entries = unzipped(done.data)
    del entries["MANIFEST.json"]
    assert entries == done.contents


def test_an_archive_of_empty_files_only(deployment: Deployment) -> None:
    contents = {69_000: b"", 69_001: b""}
    deployment.put_all(contents)
    entries = unzipped(archived(deployment, contents).data)
    assert (entries["69000.zip"], entries["69001.zip"], len(entries)) == (b"", b"", 3)


def test_objects_that_were_uploaded_in_parts_with_composite_checksums(deployment: Deployment) -> None:
    contents = {69_100: noise(17 * MiB, 1), 69_101: noise(21 * MiB, 2), 69_102: noise(6 * MiB, 3)}
    for file_id, data in contents.items():
        upload_in_parts(deployment, file_id, data)
    done = archived(deployment, contents)
    assert {name: data for name, data in unzipped(done.data).items() if name != "MANIFEST.json"} == done.contents
    assert done.job["archives"][0]["crcSource"] == ("copy" if deployment.crc_source == "copy" else "read")


def upload_in_parts(deployment: Deployment, file_id: int, data: bytes, part_size: int = 5 * MiB) -> None:
    place = {"Bucket": deployment.source, "Key": key(file_id)}
    upload = deployment.s3.create_multipart_upload(**place, ChecksumAlgorithm="CRC32")["UploadId"]
    parts = []
    for number, start in enumerate(range(0, len(data), part_size), 1):
        answer = deployment.s3.upload_part(
            **place,
            UploadId=upload,
            PartNumber=number,
            Body=data[start : start + part_size],
            ChecksumAlgorithm="CRC32",
        )
        checksum = {"ChecksumCRC32": answer["ChecksumCRC32"]} if "ChecksumCRC32" in answer else {}
        parts.append({"PartNumber": number, "ETag": answer["ETag"], **checksum})
    deployment.s3.complete_multipart_upload(**place, UploadId=upload, MultipartUpload={"Parts": parts})


def test_a_job_that_wants_all_files_or_none_fails_when_one_is_missing(deployment: Deployment) -> None:
    deployment.put(69_200, b"there")
    job = deployment.run([69_200, 69_201], archive={"onMissing": "fail"})
    assert (job["status"], job["error"]["code"]) == ("failed", "files_missing")
    assert key(69_201) in job["error"]["message"]
    assert (job["resultUrls"], job["archives"]) == (None, [])
    deployment.tidied(job["jobId"])
    assert deployment.archive_keys(job["jobId"]) == []


def test_a_tree_keeps_the_folders_below_the_prefix(deployment: Deployment) -> None:
    names = ["downloads/2024/a.txt", "downloads/2024/b/a.txt", "downloads/A.txt", f"downloads/{'long/' * 50}a.txt"]
    for name in names:
        deployment.s3.put_object(Bucket=deployment.source, Key=name, Body=name.encode())
    answer = deployment.call("POST", "/v1/download/initiate", json={"keys": names, "archive": {"layout": "tree"}})
    job = deployment.ended(answer.json()["jobId"])
    entries = unzipped(deployment.fetch(job["archives"][0]["url"]))
    del entries["MANIFEST.json"]
    assert job["archives"][0]["longPaths"] == 1
    assert entries == {name.removeprefix("downloads/"): name.encode() for name in names}
