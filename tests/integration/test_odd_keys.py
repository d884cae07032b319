"""Keys are data: whatever a bucket holds goes into the archive as the bytes it is called, by key and by prefix."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.integration.deployment import Deployment, Document, counts, unzipped

PREFIX = "downloads/odd/"
PLAIN = {
    f"{PREFIX}with space.txt": "with space.txt",
    f"{PREFIX}plus+percent%25&=#?.txt": "plus+percent%25&=#_.txt",
    f"{PREFIX}zoë/名前/😀.txt": "zoë/名前/😀.txt",
    f"{PREFIX}a%2e%2e/b.txt": "a%2e%2e/b.txt",
    f"{PREFIX}.bashrc": ".bashrc",
    f"{PREFIX}tab\there.txt": "tab_here.txt",
    f"{PREFIX}bell\u0007.txt": "bell_.txt",
    f"{PREFIX}c1\u0085.txt": "c1_.txt",
}
BREAK = {f"{PREFIX}line\nbreak.txt": "line_break.txt"}  # which MiniStack's IAM policies do not match
# Keys that SeaweedFS, which is a file system, takes for others.
PATHS = {
    f"{PREFIX}back\\slash.txt": "back_slash.txt",
    f"{PREFIX}two//slashes.txt": "two/slashes.txt",
    f"{PREFIX}/leading.txt": "leading.txt",
}
DOTTED = {
    f"{PREFIX}a/./dot.txt": "a/dot.txt",
    f"{PREFIX}a/../dots.txt": "a/_/dots.txt",
    f"{PREFIX}a/..": "a/_ (2)",
}


def initiated(deployment: Deployment, **body: Any) -> Document:
    answer = deployment.call("POST", "/v1/download/initiate", json=body)
    assert answer.status_code == 202, answer.text
    return deployment.ended(answer.json()["jobId"])


@pytest.fixture(scope="module")
def keys(deployment: Deployment) -> dict[str, str]:
    """Names by key."""
    names = PLAIN | (PATHS | DOTTED if deployment.crc_source == "head" else BREAK)
    for key in names:
        deployment.s3.put_object(Bucket=deployment.source, Key=key, Body=key.encode())
    return names


@pytest.mark.parametrize("way", ["keys", "prefix"])
def test_every_key_goes_into_the_archive(deployment: Deployment, keys: dict[str, str], way: str) -> None:
    named = {"keys": list(keys)} if way == "keys" else {"prefix": PREFIX}
    layout = {"layout": "tree"}
    job = initiated(deployment, **named, archive=layout)
    assert (job["status"], counts(job)) == ("ready", (len(keys), 0, 0))
    entries = unzipped(deployment.fetch(job["archives"][0]["url"]))
    prefix = "odd/" if way == "keys" else ""
    listed = {row["key"]: row["name"] for row in json.loads(entries.pop("MANIFEST.json"))["files"]}
    assert listed == {key: prefix + name for key, name in keys.items()}
    assert entries == {prefix + name: key.encode() for key, name in keys.items()}


@pytest.mark.parametrize("way", ["keys", "prefix"])
def test_a_link_leads_to_every_key_that_clients_leave_as_it_is(
    deployment: Deployment, keys: dict[str, str], way: str
) -> None:
    job = initiated(deployment, **({"keys": list(keys)} if way == "keys" else {"prefix": PREFIX}))
    dotted = [key for key in keys if key in DOTTED]
    assert (job["status"], counts(job)) == ("ready", (len(keys) - len(dotted), 0, len(dotted)))
    for file, url in zip(job["files"], job["resultUrls"], strict=True):
        if file["key"] in dotted:
            assert (url, file["state"], file["reason"]) == (None, "failed", "key_not_linkable")
        else:
            assert deployment.fetch(url) == file["key"].encode()


# --- folders --------------------------------------------------------------------------

ALBUM = "downloads/album-with-folders/"
MARKERS = [ALBUM, f"{ALBUM}empty/", f"{ALBUM}full/"]
PICTURE, CONTENT = f"{ALBUM}full/a.jpg", f"{ALBUM}content/"


@pytest.mark.parametrize("way", ["keys", "prefix"])
def test_markers_become_folders_and_content_below_such_a_key_a_file(deployment: Deployment, way: str) -> None:
    for key in MARKERS:
        deployment.s3.put_object(Bucket=deployment.source, Key=key, Body=b"")
    holds_content = deployment.crc_source == "head"  # SeaweedFS takes any such key for a folder
    files = [PICTURE, CONTENT] if holds_content else [PICTURE]
    for key in files:
        deployment.s3.put_object(Bucket=deployment.source, Key=key, Body=b"bytes")
    named = {"keys": [*MARKERS, *files]} if way == "keys" else {"prefix": ALBUM}
    job = initiated(deployment, **named, archive={"layout": "tree"})
    assert (job["status"], job["total"], job["processed"]) == ("ready", 3 + len(files), 3 + len(files))
    assert job["counts"] == {"available": len(files), "missing": 0, "failed": 0, "folders": 3}
    for file, url in zip(job["files"], job["resultUrls"], strict=True):
        assert (file["state"], url is None) == (("folder", True) if file["key"] in MARKERS else ("available", False))
    entries = unzipped(deployment.fetch(job["archives"][0]["url"]))
    rows = {row["key"]: row for row in json.loads(entries.pop("MANIFEST.json"))["files"]}
    root = "album-with-folders/" if way == "keys" else ""
    names = {ALBUM: root or None, f"{ALBUM}empty/": f"{root}empty/", f"{ALBUM}full/": f"{root}full/"}
    names |= dict(zip(files, (f"{root}full/a.jpg", f"{root}content"), strict=False))
    assert {key: row["name"] for key, row in rows.items()} == names
    assert {row["state"] for key, row in rows.items() if key in MARKERS} == {"folder"}
    bodies = {name: b"" if name.endswith("/") else b"bytes" for name in names.values() if name}
    assert entries == bodies


def test_a_flat_archive_has_no_folders(local: Deployment) -> None:
    local.s3.put_object(Bucket=local.source, Key=f"{ALBUM}empty/", Body=b"")
    local.s3.put_object(Bucket=local.source, Key=PICTURE, Body=b"bytes")
    job = initiated(local, keys=[f"{ALBUM}empty/", PICTURE], archive={"onMissing": "fail"})
    assert (job["status"], job["counts"]["folders"]) == ("ready", 1)
    assert set(unzipped(local.fetch(job["archives"][0]["url"]))) == {"a.jpg", "MANIFEST.json"}
    answer = local.call("GET", f"/v1/download/{job['jobId']}/files/0")
    assert (answer.status_code, answer.json()["error"]) == (404, "no_such_result")


# --- what goes into the manifest ------------------------------------------------------


def test_a_users_own_manifest_keeps_its_name(deployment: Deployment) -> None:
    key = "downloads/own-manifest/manifest.json"
    put = {"ContentEncoding": "gzip"} if deployment.crc_source == "head" else {}
    stored = deployment.s3.put_object(Bucket=deployment.source, Key=key, Body=b"mine", **put)
    job = initiated(deployment, keys=[key], archive=True)
    (archive,) = job["archives"]
    assert archive["manifest"] == "_lorry/MANIFEST.json"
    entries = unzipped(deployment.fetch(archive["url"]))
    (row,) = json.loads(entries.pop("_lorry/MANIFEST.json"))["files"]
    assert entries == {"manifest.json": b"mine"}
    encoding = put.get("ContentEncoding")
    assert (row["etag"], row["contentEncoding"]) == (stored["ETag"].strip('"'), encoding)
    assert (job["files"][0]["etag"], job["files"][0]["contentEncoding"]) == (row["etag"], encoding)
