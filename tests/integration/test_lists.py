"""Other programs fetch a job by its list: the real curl, aria2c and wget."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.integration.deployment import Deployment, noise

KEYS = ["downloads/lists/a.bin", "downloads/lists/sub folder/b (1).bin", "downloads/lists/sub folder/\u00fcber.bin"]
COMMANDS = {
    "curl": ["curl", "--silent", "--show-error", "-K", "list"],
    "aria2": ["aria2c", "--quiet", "-i", "list"],
    "wget": ["wget", "--quiet", "--content-disposition", "-i", "list"],
}


@pytest.mark.parametrize("links", ["direct", "stable"])
@pytest.mark.parametrize("kind", COMMANDS)
def test_a_program_fetches_a_job_by_its_list(deployment: Deployment, tmp_path: Path, kind: str, links: str) -> None:
    command = COMMANDS[kind]
    if shutil.which(command[0]) is None:
        assert "CI" not in os.environ, f"{command[0]} is not installed"
        pytest.skip(f"{command[0]} is not installed")
    contents = {key: noise(5_000, number) for number, key in enumerate(KEYS)}
    for key, content in contents.items():
        deployment.s3.put_object(Bucket=deployment.source, Key=key, Body=content)
    answer = deployment.call("POST", "/v1/download/initiate", json={"keys": KEYS})
    job_id = deployment.ended(answer.json()["jobId"])["jobId"]
    listed = deployment.call("GET", f"/v1/download/{job_id}/manifest", params={"format": kind, "links": links})
    assert listed.status_code == 200, listed.text
    (tmp_path / "list").write_bytes(listed.content)
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    (tmp_path / "list").unlink()
    found = {path.relative_to(tmp_path).as_posix(): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    expected = {key.removeprefix("downloads/"): content for key, content in contents.items()}
    if kind == "wget":  # it makes no folders
        expected = {key.rpartition("/")[2]: content for key, content in expected.items()}
    assert found == expected


def test_the_store_is_browsed_page_by_page_and_nothing_else(deployment: Deployment) -> None:
    for key in ("downloads/browse/a.bin", "downloads/browse/sub/b.bin", "downloads/browse/z.bin", "elsewhere/c.bin"):
        deployment.s3.put_object(Bucket=deployment.source, Key=key, Body=b"12345")
    found: list[str] = []
    query = {"prefix": "downloads/browse/", "delimiter": "/", "limit": "1"}
    while query:
        page = deployment.call("GET", "/v1/objects", params=query).json()
        found += [*page["folders"], *(entry["key"] for entry in page["objects"])]
        query = {**query, "cursor": page["nextCursor"]} if page["nextCursor"] else {}
    assert sorted(found) == ["downloads/browse/a.bin", "downloads/browse/sub/", "downloads/browse/z.bin"]
    assert deployment.call("GET", "/v1/objects", params={"prefix": "elsewhere/"}).status_code == 400
    bad = deployment.call("GET", "/v1/objects", params={"cursor": "bm90IGEgdG9rZW4="})
    assert bad.status_code in (200, 400)  # a store may ignore what it does not know, and lists from the beginning
