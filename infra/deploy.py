"""Deploys Lorry to AWS: `make deploy STAGE=prod SOURCE_BUCKET=my-files [REGION=eu-central-1] [ARCHITECTURE=x86_64]`.

    python -m infra.deploy --stage prod --source-bucket my-files [--region R] [--architecture A] [Key=Value ...]

Key=Value pairs set any other parameter of infra/template/*.yaml. Those not named keep their value, except for what was
opened for a while (NEVER_KEPT in infra/stack.py).
With --upload-only nothing is deployed: for Terraform (docs/how-to/deploy.md).
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from infra.artifacts import Artifacts, NotOurBucket
from infra.dependencies import ARCHITECTURES, DEFAULT_ARCHITECTURE, REPOSITORY, CannotInstall, on_aws
from infra.file_lock import Busy
from infra.package import CannotPackage, Package, package
from infra.preflight import NoAccessLogs, access_logs, concurrency, source_region, stream_costs
from infra.report import CannotImport, report
from infra.stack import POLL_SECONDS, DeploymentFailed, Stack, deploy, upload

# By default the SDK reaches us-east-1 at an address that is not one region's.
REGIONAL = Config(s3={"us_east_1_regional_endpoint": "regional"})
FAILURES = (
    *(CannotInstall, CannotPackage, CannotImport, DeploymentFailed, NotOurBucket, NoAccessLogs, Busy),
    *(ClientError, BotoCoreError),
)


def main() -> int:
    options = _arguments()
    session = boto3.Session(region_name=options.region)
    if session.get_credentials() is None:
        return _refuse("no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    if session.region_name is None:
        return _refuse("no AWS region: add REGION=eu-central-1, or set AWS_REGION")
    try:
        outputs = _deploy(session, options)
    except FAILURES as error:
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
    parser.add_argument("--upload-only", action="store_true", help="deploy nothing; print the template's address")
    parser.add_argument("--artifacts", help="bucket for the package; created if absent")
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
    return deploy_package(session, made, options=options)


def deploy_package(
    session: Any, made: Package, *, options: argparse.Namespace, poll: float = POLL_SECONDS
) -> dict[str, str]:
    """Deploys a package, or only uploads it; what to print. `options` are those of the command line.

    CloudFormation is asked every `poll` seconds.
    """
    artifacts = _artifacts(session, options.artifacts)
    stack = Stack(f"lorry-{options.stage}", session.client("cloudformation"), poll)
    given = {"Stage": options.stage, "SourceBucket": options.source_bucket, **dict(options.parameters)}
    given |= source_region(artifacts.s3, given, stack.previous_parameters())
    if options.upload_only:
        return {"TemplateUrl": upload(stack.name, made, artifacts=artifacts, parameters=given)}
    off = access_logs(session.client("apigateway"), given) if stack.status() is None else {}
    if off:
        print("without access logs, since API Gateway has no role for them here: docs/how-to/deploy.md", flush=True)
    values = {**stack.previous_parameters(), **given}
    few = concurrency(session.client("lambda"), json.loads(made.template.read_text(encoding="utf-8")), values)
    for sentence in (few, stream_costs(values)):
        if sentence:
            print(sentence, flush=True)
    return deploy(stack, made, artifacts=artifacts, parameters={**given, **off})


def _artifacts(session: Any, name: str | None) -> Artifacts:
    """The bucket for the package, `name` or one of this account and region, which is created if it is absent."""
    region = session.region_name
    account = session.client("sts").get_caller_identity()["Account"]
    artifacts = Artifacts(session.client("s3", config=REGIONAL), name or f"lorry-artifacts-{account}-{region}", account)
    artifacts.ensure(region=region, partition=session.get_partition_for_region(region), ours=name is None)
    return artifacts


def _refuse(reason: str) -> int:
    print(f"make deploy: {reason}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
