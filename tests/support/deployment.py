"""CloudFormation and S3 as a deployment sees them: one stack, one bucket, and what was asked of both."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError

from infra.artifacts import Artifacts
from infra.stack import Stack

ACCOUNT = "111122223333"
OUTPUTS = {"ApiUrl": "https://example"}
ENDPOINT = "https://s3.eu-central-1.amazonaws.com"


def refused(operation: str, code: str, message: str = "", *, status: int = 400) -> ClientError:
    """Returns the error that botocore raises for an answer of AWS."""
    answer: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, operation)


class FakeS3:
    """One bucket, or none yet. Every call but the creation must name its owner, as S3 lets it.

    `buckets` are others, by name, whose regions S3 answers.
    """

    def __init__(
        self, *, owner: str | None = ACCOUNT, exists: bool = True, buckets: Mapping[str, str] | None = None
    ) -> None:
        self.owner, self.exists, self.buckets = owner, exists, buckets or {}
        self.objects: dict[str, bytes] = {}
        self.tagged: dict[str, list[dict[str, str]]] = {}
        self.policy: dict[str, Any] | None = None
        self.rules: list[dict[str, Any]] = []
        self.closed: dict[str, bool] = {}
        self.location: str | None = None
        self.meta = SimpleNamespace(endpoint_url=ENDPOINT)

    def head_bucket(self, **asked: Any) -> dict[str, Any]:
        region = self.buckets.get(asked["Bucket"])
        if region is not None:
            return {"ResponseMetadata": {"HTTPHeaders": {"x-amz-bucket-region": region}}}
        if not self.exists:
            raise refused("HeadBucket", "404", status=404)
        self._confirm_owner("HeadBucket", asked)
        return {}

    def create_bucket(self, *, Bucket: str, **asked: Any) -> None:  # noqa: N803
        self.exists = True
        self.location = asked.get("CreateBucketConfiguration", {}).get("LocationConstraint")

    def put_public_access_block(self, *, PublicAccessBlockConfiguration: dict[str, bool], **asked: Any) -> None:  # noqa: N803
        self._confirm_owner("PutPublicAccessBlock", asked)
        self.closed = PublicAccessBlockConfiguration

    def get_bucket_policy(self, **asked: Any) -> dict[str, str]:
        self._confirm_owner("GetBucketPolicy", asked)
        if self.policy is None:
            raise refused("GetBucketPolicy", "NoSuchBucketPolicy", status=404)
        return {"Policy": json.dumps(self.policy)}

    def put_bucket_policy(self, *, Policy: str, **asked: Any) -> None:  # noqa: N803
        self._confirm_owner("PutBucketPolicy", asked)
        self.policy = json.loads(Policy)

    def get_bucket_lifecycle_configuration(self, **asked: Any) -> dict[str, Any]:
        self._confirm_owner("GetBucketLifecycleConfiguration", asked)
        if not self.rules:
            raise refused("GetBucketLifecycleConfiguration", "NoSuchLifecycleConfiguration", status=404)
        return {"Rules": self.rules}

    def put_bucket_lifecycle_configuration(self, *, LifecycleConfiguration: dict[str, Any], **asked: Any) -> None:  # noqa: N803
        self._confirm_owner("PutBucketLifecycleConfiguration", asked)
        self.rules = LifecycleConfiguration["Rules"]

    def put_object(self, *, Key: str, Body: bytes, **asked: Any) -> None:  # noqa: N803
        self._confirm_owner("PutObject", asked)
        self.objects[Key] = Body
        self.tagged.pop(Key, None)

    def put_object_tagging(self, *, Key: str, Tagging: dict[str, Any], **asked: Any) -> None:  # noqa: N803
        self._confirm_owner("PutObjectTagging", asked)
        self.tagged[Key] = Tagging["TagSet"]

    def get_paginator(self, _: str) -> FakeS3:
        return self

    def paginate(self, *, Prefix: str, **asked: Any) -> Iterator[dict[str, Any]]:  # noqa: N803
        self._confirm_owner("ListObjectsV2", asked)
        for key in [key for key in self.objects if key.startswith(Prefix)]:
            yield {"Contents": [{"Key": key}]}
        yield {}

    def _confirm_owner(self, operation: str, asked: Mapping[str, Any]) -> None:
        assert asked["Bucket"] == "artifacts"
        if asked["ExpectedBucketOwner"] != self.owner:
            raise refused(operation, "403", "Forbidden", status=403)


class FakeCloudFormation:
    """One stack: each request ends in `ends_as`, and parameters are kept, defaulted and refused as on AWS."""

    def __init__(
        self,
        s3: FakeS3 | None = None,
        *,
        status: str | None = None,
        ends_as: str | None = None,
        parameters: Mapping[str, str] | None = None,
    ) -> None:
        self.s3 = s3 or FakeS3()
        self.status, self.ends_as = status, ends_as
        self.parameters: dict[str, str] = dict(parameters or {})
        self.outputs: dict[str, str] = OUTPUTS
        self.template: dict[str, Any] = {}
        self.requests: list[tuple[str, dict[str, Any]]] = []

    def describe_stacks(self, **_: Any) -> dict[str, Any]:
        if self.status is None:
            raise refused("DescribeStacks", "ValidationError", "does not exist")
        now = self.status
        if now.endswith("_IN_PROGRESS"):
            verb = now.partition("_")[0]
            self.status = self.ends_as or (None if verb == "DELETE" else f"{verb}_COMPLETE")
        parameters = [{"ParameterKey": key, "ParameterValue": value} for key, value in self.parameters.items()]
        outputs = [{"OutputKey": key, "OutputValue": value} for key, value in self.outputs.items()]
        return {"Stacks": [{"StackStatus": now, "Outputs": outputs, "Parameters": parameters}]}

    def create_stack(self, **request: Any) -> None:
        self.requests.append(("create", request))
        self._take(request, {})
        self.status = "CREATE_IN_PROGRESS"

    def update_stack(self, **request: Any) -> None:
        self.requests.append(("update", request))
        before = (self.template, self.parameters)
        self._take(request, self.parameters)
        if before == (self.template, self.parameters):
            raise refused("UpdateStack", "ValidationError", "No updates are to be performed.")
        self.status = "UPDATE_IN_PROGRESS"

    def _take(self, request: Mapping[str, Any], previous: Mapping[str, str]) -> None:
        if not request.get("UsePreviousTemplate"):
            self.template = self.uploaded(request["TemplateURL"])
        declared = self.template["Parameters"]
        given = {one["ParameterKey"]: one for one in request["Parameters"]}
        assert given.keys() <= declared.keys()
        values = {}
        for name, parameter in declared.items():
            if given.get(name, {}).get("UsePreviousValue"):
                values[name] = previous[name]
            elif name in given:
                values[name] = given[name]["ParameterValue"]
            elif "Default" in parameter:
                values[name] = str(parameter["Default"])
            else:
                raise refused("CreateStack", "ValidationError", f"Parameters: [{name}] must have values")
        self.parameters = values

    def uploaded(self, url: str) -> dict[str, Any]:
        """The template at an address."""
        found: dict[str, Any] = json.loads(self.s3.objects[url.removeprefix(f"{ENDPOINT}/artifacts/")])
        return found

    def delete_stack(self, **request: Any) -> None:
        self.requests.append(("delete", request))
        self.status = "DELETE_IN_PROGRESS"

    def describe_stack_events(self, **_: Any) -> dict[str, Any]:
        event = {"LogicalResourceId": "Table", "ResourceType": "AWS::DynamoDB::Table"}
        failed = {"ResourceStatus": "CREATE_FAILED", "ResourceStatusReason": "limit exceeded"}
        return {"StackEvents": [{**event, **failed}, {**event, "ResourceStatus": "CREATE_IN_PROGRESS"}]}

    @property
    def verbs(self) -> list[str]:
        return [verb for verb, _ in self.requests]


def stack_with(cloudformation: FakeCloudFormation) -> Stack:
    return Stack("lorry-prod", cloudformation, poll=0.0, deadline=5.0, deletion_deadline=5.0)


def artifacts_of(cloudformation: FakeCloudFormation) -> Artifacts:
    return Artifacts(cloudformation.s3, "artifacts", ACCOUNT)
