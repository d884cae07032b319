"""Deploys Lorry to AWS: `make deploy STAGE=prod SOURCE_BUCKET=my-files [REGION=eu-central-1] [ARCHITECTURE=x86_64]`.

    python -m infra.deploy --stage prod --source-bucket my-files [--region R] [--architecture A] [Key=Value ...]

Key=Value pairs set any other parameter of infra/template/parameters.yaml; those not named keep their value.
With --upload-only nothing is deployed: for Terraform (docs/how-to/deploy.md).
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from infra.dependencies import ARCHITECTURES, DEFAULT_ARCHITECTURE, REPOSITORY, CannotInstall, on_aws
from infra.file_lock import Busy
from infra.package import CannotPackage, package
from infra.report import CannotImport, report
from infra.stack import DeploymentFailed, Stack, deploy, upload


def main() -> int:
    options = _arguments()
    session = boto3.Session(region_name=options.region)
    if session.get_credentials() is None:
        return _refuse("no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    if session.region_name is None:
        return _refuse("no AWS region: add REGION=eu-central-1, or set AWS_REGION")
    try:
        outputs = _deploy(session, options)
    except (CannotInstall, CannotPackage, CannotImport, DeploymentFailed, Busy, ClientError, BotoCoreError) as error:
        return _refuse(str(error))
    width = max(map(len, outputs))
    for name, value in sorted(outputs.items()):
        print(f"{name:{width}}  {value}")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make deploy", description="Deploy Lorry to AWS.")
    parser.add_argument("--stage", required=True, help="name of the deployment; the stack is called lorry-STAGE")
    parser.add_argument("--source-bucket", required=True, help="bucket that holds the files; only read")
    parser.add_argument("--region", help="region; without it, the one that the AWS configuration names")
    parser.add_argument("--architecture", choices=sorted(ARCHITECTURES), default=DEFAULT_ARCHITECTURE)
    parser.add_argument("--upload-only", action="store_true", help="deploy nothing; tell the template's address")
    parser.add_argument("--artifacts", help="bucket for the package; made if absent")
    parser.add_argument("parameters", nargs="*", type=_pair, metavar="Key=Value", help="any other parameter")
    return parser.parse_args()


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not Key=Value")
    return key, value


def _deploy(session: Any, options: argparse.Namespace) -> dict[str, str]:
    target = on_aws(options.architecture)
    made = package(REPOSITORY / ".lorry" / "package-aws", target)
    print(report(made, target), flush=True)
    account = session.client("sts").get_caller_identity()["Account"]
    artifacts = options.artifacts or f"lorry-artifacts-{account}-{session.region_name}"
    s3 = session.client("s3")
    _ensure_bucket(s3, artifacts, session.region_name)
    stack = Stack(f"lorry-{options.stage}", artifacts, session.client("cloudformation"), s3)
    given = {"Stage": options.stage, "SourceBucket": options.source_bucket, **dict(options.parameters)}
    if options.upload_only:
        return {"TemplateUrl": upload(stack, made, given)}
    return deploy(stack, made, given)


def _ensure_bucket(s3: Any, name: str, region: str) -> None:
    try:
        s3.head_bucket(Bucket=name)
        return
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
            raise
    where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    s3.create_bucket(Bucket=name, **where)
    closed = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
    s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=closed)


def _refuse(reason: str) -> int:
    print(f"make deploy: {reason}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
