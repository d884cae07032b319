"""The simulated S3 answers as SeaweedFS and moto do, where they keep AWS's rules."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.contracts.simulation.comparing import Reference
from tests.contracts.simulation.s3_scripts import SCRIPTS, Seen, Store
from tests.simulation.client import SimulatedClient
from tests.simulation.environment import Alone
from tests.simulation.s3.service import SimulatedS3
from tests.support.aws import emulated_aws
from tests.support.seaweed import SeaweedFS

NO_CHECKSUMS = {"request_checksum_calculation": "when_required", "response_checksum_validation": "when_required"}

SEAWEED = {
    "checksums_are_kept_where_they_are_asked_for": "does not answer with their type",
    "parts_of_a_number_out_of_range": "calls it an invalid part",
    "an_upload_is_completed_twice": "answers as the first time, which AWS does not promise",
    "an_upload_is_aborted_twice": "aborts what is not there",
    "an_upload_of_another_size_is_refused": "does not look at the size",
    "a_checksum_is_refused_where_the_upload_has_none": "takes it",
}
MOTO = {
    "checksums_are_kept_where_they_are_asked_for": "does not answer with them",
    "what_is_not_as_it_should_be_is_refused": "does not look at digests, and takes keys of any length",
    "ranges_are_read": "does not ignore a range of other units",
    "a_version_is_pinned": "knows no *",
    "objects_are_deleted": "is never quiet",
    "there_is_no_such_bucket": "has error codes in answers without a body",
    "parts_become_an_object": "crashes on a part of a completed upload",
    "wrong_lists_of_parts_are_refused": "looks at sizes first",
    "an_upload_is_aborted": "crashes on a part of an aborted upload",
    "open_uploads_are_listed": "does not repeat the prefix",
    "copies_are_refused": "copies what is not there, and whatever version",
    "an_upload_has_the_checksum_of_the_whole_object": "does not compute it",
    "parts_are_checked_as_they_come": "does not look at digests",
    "a_composite_checksum_is_one_of_checksums": "does not answer with it",
    "parts_of_a_number_out_of_range": "calls it no such upload",
    "an_upload_is_completed_twice": "answers as the first time, which AWS does not promise",
    "an_upload_of_another_size_is_refused": "does not look at the size",
    "a_checksum_is_refused_where_the_upload_has_none": "takes it",
    "attributes_are_told": "has no checksums where they were sent",
}


def _seaweedfs(request: pytest.FixtureRequest) -> Iterator[Reference]:
    seaweedfs: SeaweedFS = request.getfixturevalue("seaweedfs")
    yield Reference(seaweedfs.client(**NO_CHECKSUMS), SEAWEED)


def _moto(_: pytest.FixtureRequest) -> Iterator[Reference]:
    with emulated_aws():
        yield Reference(boto3.client("s3", config=Config(**NO_CHECKSUMS)), MOTO)


@pytest.fixture(scope="module", params=[_seaweedfs, _moto], ids=["seaweedfs", "moto"])
def reference(request: pytest.FixtureRequest) -> Iterator[Reference]:
    yield from request.param(request)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.__name__)
def test_the_same_is_seen(script: Callable[[Store], None], reference: Reference) -> None:
    ours, theirs = _seen(script, _simulated()), _seen(script, reference.client)
    if script.__name__ in reference.different:
        assert ours != theirs, f"no difference any more: {reference.different[script.__name__]}"
    else:
        assert ours == theirs


def _simulated() -> Any:
    return SimulatedClient(SimulatedS3(Alone()), Config(**NO_CHECKSUMS))


def _seen(script: Callable[[Store], None], client: Any) -> Seen:
    store = Store(client, f"bucket-{uuid.uuid4().hex[:16]}")
    script(store)
    return store.seen
