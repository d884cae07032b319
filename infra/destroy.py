"""Deletes a deployment on AWS: `make destroy STAGE=prod [REGION=eu-central-1] [YES=1]`.

    python -m infra.destroy --stage prod [--region R] [--yes]

The table and the archive bucket are kept; it prints their names and how to delete them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from infra.stack import DeploymentFailed, Stack, delete

KEPT = ("Table", "ArchiveBucket")  # DeletionPolicy: RetainExceptOnCreate; outputs of the stack of the same names


class NotMeant(Exception):
    """The deletion was not confirmed."""


def destroy(stack: Stack, *, yes: bool, ask: Callable[[str], str] = input, say: Callable[[str], None] = print) -> None:
    """Deletes `stack` once it is confirmed, and prints what stays. Raises NotMeant, DeploymentFailed."""
    if stack.status() is None:
        raise DeploymentFailed(f"there is no stack {stack.name} in this region")
    outputs = stack.outputs()
    say(
        f"{stack.name}: the API, its functions, queues, logs, alarms and its secret will be deleted; jobs under way end"
    )
    if not yes and ask(f"type {stack.name} to go on: ").strip() != stack.name:
        raise NotMeant(f"{stack.name} stays as it is; YES=1 answers for you")
    delete(stack, say=say)
    for line in remains(outputs):
        say(line)


def remains(outputs: dict[str, str]) -> list[str]:
    """Returns lines that name what outlives the stack, and how to delete it; none if it was never created."""
    table, bucket = (outputs.get(name) for name in KEPT)
    if not table or not bucket:
        return []
    return [
        "kept, because deleting a stack never deletes data:",
        f"  table {table}: aws dynamodb update-table --table-name {table} --no-deletion-protection-enabled",
        f"    and then: aws dynamodb delete-table --table-name {table}",
        f"  archives in {bucket}: aws s3 rb s3://{bucket} --force",
    ]


def main() -> int:
    options = _arguments()
    session = boto3.Session(region_name=options.region)
    if session.get_credentials() is None:
        return _refuse("no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    if session.region_name is None:
        return _refuse("no AWS region: add REGION=eu-central-1, or set AWS_REGION")
    stack = Stack(f"lorry-{options.stage}", session.client("cloudformation"))
    try:
        destroy(stack, yes=options.yes)
    except (NotMeant, DeploymentFailed, ClientError, BotoCoreError, EOFError) as error:
        return _refuse(str(error))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make destroy", description="Delete a deployment of Lorry from AWS.")
    parser.add_argument("--stage", required=True, help="name of the deployment; the stack is called lorry-STAGE")
    parser.add_argument("--region", help="its region; without it, the one that the AWS configuration names")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    return parser.parse_args()


def _refuse(reason: str) -> int:
    print(f"make destroy: {reason}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
