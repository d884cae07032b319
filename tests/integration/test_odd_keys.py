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
