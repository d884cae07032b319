"""What `make dev` works on, and when it restarts its process."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

from localstack.dev import fingerprint, target, wait_for_change
from localstack.home import Home, LocalStackError, store_parameters


def test_an_endpoint_that_is_named_comes_first(tmp_path: Path) -> None:
    (tmp_path / "outputs.json").write_text(json.dumps({"Endpoint": "http://127.0.0.1:4566", "SourceBucket": "files"}))
    named = target(Home(tmp_path), {"AWS_ENDPOINT_URL": "http://127.0.0.1:4567/"})
    assert (named.endpoint, named.parameters) == ("http://127.0.0.1:4567", {})


def test_the_running_stack_lends_its_endpoint_and_its_files(tmp_path: Path) -> None:
    (tmp_path / "outputs.json").write_text(json.dumps({"Endpoint": "http://127.0.0.1:4566", "SourceBucket": "files"}))
    running = target(Home(tmp_path), {})
    assert (running.endpoint, running.parameters) == ("http://127.0.0.1:4566", {"SourceBucket": "files"})


def test_with_neither_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(LocalStackError, match=r"`make up`.*AWS_ENDPOINT_URL"):
        target(Home(tmp_path), {})


def test_variables_of_the_store_become_parameters() -> None:
    given = {"S3_ENDPOINT": "http://store:9000", "S3_BUCKET_NAME": "files", "S3_REGION": ""}
    assert store_parameters(given) == {"S3Endpoint": "http://store:9000", "SourceBucket": "files"}


def test_a_written_an_added_and_a_removed_file_are_changes_and_byte_code_is_none(tmp_path: Path) -> None:
    source = tmp_path / "source.py"
    source.write_text("a = 1\n")
    seen = [fingerprint((tmp_path,))]
    (tmp_path / "source.pyc").write_bytes(b"")
    assert fingerprint((tmp_path,)) == seen[0]
    os.utime(source, ns=(0, 0))
    seen.append(fingerprint((tmp_path,)))
    (tmp_path / "other.py").touch()
    seen.append(fingerprint((tmp_path,)))
    source.unlink()
    seen.append(fingerprint((tmp_path,)))
    assert len(set(seen)) == 4


def test_a_change_is_noticed(tmp_path: Path) -> None:
    source = tmp_path / "source.py"
    source.touch()
    watching = threading.Thread(target=wait_for_change, kwargs={"places": (source,)}, daemon=True)
    watching.start()
    number = 0
    while watching.is_alive() and number < 50:
        os.utime(source, ns=(number, number))
        watching.join(0.2)
        number += 1
    assert not watching.is_alive()


def test_waiting_ends_without_a_change_where_the_process_ended(tmp_path: Path) -> None:
    assert not wait_for_change(lambda: True, (tmp_path,))
