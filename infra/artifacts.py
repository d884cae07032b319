"""The bucket that packages are uploaded to, where CloudFormation and Lambda read them.

What a deployment has replaced is tagged, and a lifecycle rule deletes what is tagged. Age alone would be wrong: rolling
back a failed update needs the code that it replaces, however old that is.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from botocore.exceptions import ClientError

_SUPERSEDED = {"Key": "lorry", "Value": "superseded"}
_RULES: tuple[dict[str, Any], ...] = (
    {
        "ID": "lorry-superseded",
        "Status": "Enabled",
        "Filter": {"Tag": _SUPERSEDED},
        "Expiration": {"Days": 30},
    },
    {
        "ID": "lorry-abandoned-uploads",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
    },
)
_CLOSED = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
_TLS_ONLY = "LorryTlsOnly"


class NotOurBucket(Exception):
    """The bucket for packages belongs to another account, or these credentials may not use it."""


@dataclass(frozen=True, slots=True)
class Artifacts:
    """A bucket for packages. `owner` is the account that S3 compares with each call; an emulator has none."""

    s3: Any
    bucket: str
    owner: str | None = None

    def ensure(self, *, region: str, partition: str, ours: bool) -> None:
        """Creates the bucket if it is absent. One of `ours`, or a new one, is closed to the public and to plain HTTP.

        Raises NotOurBucket: bucket names are global, so another account may have taken this one.
        """
        if self._create_if_absent(region) or ours:
            self.s3.put_public_access_block(**self._bucket, PublicAccessBlockConfiguration=_CLOSED)
            self._require_tls(partition)
            self._expire_superseded()

    def put(self, key: str, body: bytes) -> None:
        """Stores an object; one that was tagged as superseded is current again."""
        self.s3.put_object(**self._bucket, Key=key, Body=body)

    def address(self, key: str) -> str:
        """Returns the URL by which CloudFormation reads an object: of the bucket's own region and partition."""
        return f"{self.s3.meta.endpoint_url}/{self.bucket}/{key}"

    def retire(self, prefix: str, *, current: Collection[str]) -> None:
        """Tags all objects below `prefix` but the `current` ones, so that the bucket deletes them in time."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(**self._bucket, Prefix=prefix)
        keys = [found["Key"] for page in pages for found in page.get("Contents", [])]
        for key in keys:
            if key not in current:
                self.s3.put_object_tagging(**self._bucket, Key=key, Tagging={"TagSet": [_SUPERSEDED]})

    @property
    def _bucket(self) -> dict[str, str]:
        owner = {} if self.owner is None else {"ExpectedBucketOwner": self.owner}
        return {"Bucket": self.bucket, **owner}

    def _create_if_absent(self, region: str) -> bool:
        """Whether the bucket was absent."""
        try:
            self.s3.head_bucket(**self._bucket)
            return False
        except ClientError as error:
            if _status(error) == HTTPStatus.FORBIDDEN:
                raise self._not_ours() from error
            if _status(error) != HTTPStatus.NOT_FOUND:
                raise
        where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        try:
            self.s3.create_bucket(Bucket=self.bucket, **where)
        except ClientError as error:
            if error.response["Error"]["Code"] == "BucketAlreadyExists":
                raise self._not_ours() from error
            raise
        return True

    def _not_ours(self) -> NotOurBucket:
        return NotOurBucket(
            f"bucket {self.bucket} belongs to another account than {self.owner}, or these credentials may not use it; "
            "name another bucket for the package: ARGS=--artifacts=my-bucket"
        )

    def _require_tls(self, partition: str) -> None:
        """Refuses plain HTTP, and keeps what the policy says otherwise."""
        arn = f"arn:{partition}:s3:::{self.bucket}"
        refusal = {
            "Sid": _TLS_ONLY,
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [arn, f"{arn}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
        found = self._or_nothing(self.s3.get_bucket_policy, "NoSuchBucketPolicy").get("Policy")
        policy: dict[str, Any] = json.loads(found) if found else {"Version": "2012-10-17"}
        others = [statement for statement in policy.get("Statement", []) if statement.get("Sid") != _TLS_ONLY]
        self.s3.put_bucket_policy(**self._bucket, Policy=json.dumps({**policy, "Statement": [*others, refusal]}))

    def _expire_superseded(self) -> None:
        """Deletes what is tagged, and keeps the other rules of the lifecycle."""
        found = self._or_nothing(self.s3.get_bucket_lifecycle_configuration, "NoSuchLifecycleConfiguration")
        own = {rule["ID"] for rule in _RULES}
        others = [rule for rule in found.get("Rules", []) if rule.get("ID") not in own]
        rules = {"Rules": [*others, *_RULES]}
        self.s3.put_bucket_lifecycle_configuration(**self._bucket, LifecycleConfiguration=rules)

    def _or_nothing(self, read: Any, absent: str) -> Mapping[str, Any]:
        """What `read` returns of the bucket, empty where S3 answers with the code `absent`."""
        try:
            answer: Mapping[str, Any] = read(**self._bucket)
        except ClientError as error:
            if error.response["Error"]["Code"] != absent:
                raise
            return {}
        return answer


def _status(error: ClientError) -> int:
    return int(error.response["ResponseMetadata"]["HTTPStatusCode"])
