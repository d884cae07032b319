"""Shows or rotates the secret of a deployment: `make secret`, `make secret-rotate [OVERLAP=24] [FORCE=yes]`.

    python -m infra.secret show|rotate [--stage prod [--region R]] [--caller NAME] [--overlap HOURS] [--force]

Without --stage it is the embedded stack of LORRY_HOME, whose file is rotated too; with it, the stack lorry-STAGE.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.callers import ANONYMOUS
from chalicelib.delivery.signing_keys import CACHE_SECONDS, Secrets
from chalicelib.errors import SecretUnavailable
from infra.file_lock import Busy, locked
from localstack import secret as local
from localstack.clients import Clients, forget_aws
from localstack.home import Home, LocalStackError, Options

HOUR_MS = 3_600_000
DAY_HOURS = 24
LONGEST_HOURS = 30 * DAY_HOURS


class StillOverlapping(Exception):
    """The last rotation's overlap lasts: another rotation would cut off receivers that have the value before it."""


class NoStack(LocalStackError):
    """There is no deployment whose secret could be shown."""


FAILURES = (SecretUnavailable, StillOverlapping, LocalStackError, Busy, ClientError, BotoCoreError, OSError)


@dataclass(frozen=True, slots=True)
class Place:
    """Where one deployment's secret is: in Secrets Manager, and for the embedded stack in a file of `home` too."""

    client: Any
    secret_id: str
    home: Home | None = None

    def read(self) -> Secrets:
        return Secrets.from_json(str(self.client.get_secret_value(SecretId=self.secret_id).get("SecretString", "")))

    def write(self, value: Secrets) -> None:
        self.client.put_secret_value(SecretId=self.secret_id, SecretString=value.to_json())
        if self.home is not None:
            local.save(self.home, value)


def embedded(options: Options) -> Place:
    """Returns the place of the embedded stack that runs in LORRY_HOME. Raises NoStack."""
    try:
        outputs = json.loads(options.home.outputs.read_text())
    except FileNotFoundError:
        raise NoStack(
            f"nothing runs in {options.home.root}: start it with `make up`, or name a deployment: STAGE=prod"
        ) from None
    return Place(Clients(outputs["Endpoint"])("secretsmanager"), outputs["SecretId"], options.home)


def deployed(session: Any, stage: str) -> Place:
    """Returns the place of the stack lorry-STAGE on AWS. Raises NoStack."""
    if session.get_credentials() is None:
        raise NoStack("no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    if session.region_name is None:
        raise NoStack("no AWS region: add REGION=eu-central-1, or set AWS_REGION")
    try:
        (stack,) = session.client("cloudformation").describe_stacks(StackName=f"lorry-{stage}")["Stacks"]
    except ClientError as error:
        if "does not exist" not in str(error):
            raise
        raise NoStack(f"there is no stack lorry-{stage} in {session.region_name}") from None
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
    if "SecretId" not in outputs:
        raise NoStack(f"stack lorry-{stage} has no secret, so it is of an earlier version: deploy it again")
    return Place(session.client("secretsmanager"), outputs["SecretId"])


def show(place: Place, now_ms: int, *, caller: str = ANONYMOUS, say: Callable[[str], None] = print) -> None:
    """Prints the secret that receivers verify webhooks of a caller's jobs with, never the master value."""
    value = place.read()
    current, *previous = value.webhook_secrets(now_ms, caller)
    say(f"webhook secret  {current}")
    for old in previous:
        say(f"until {_utc(value.previous_until)} webhooks are signed with the previous one too  {old}")


def rotate(
    place: Place, now_ms: int, *, overlap_hours: int, force: bool = False, say: Callable[[str], None] = print
) -> None:
    """Replaces the current value by a new one, and shows it. Raises StillOverlapping."""
    place.write(rotated(place.read(), now_ms, overlap_hours=overlap_hours, force=force))
    show(place, now_ms, say=say)


def rotated(old: Secrets, now_ms: int, *, overlap_hours: int, force: bool) -> Secrets:
    """Returns a new value; the old one stays valid for `overlap_hours`. Raises StillOverlapping without `force`.

    The new one signs nothing while a container may still have the old one cached, unless the old one ends at once.
    """
    if old.overlaps(now_ms) and not force:
        raise StillOverlapping(
            f"the last rotation's overlap lasts until {_utc(old.previous_until)}, and a secret has one predecessor: "
            "receivers that still have the old one would be cut off; wait, or add FORCE=yes"
        )
    until = now_ms + overlap_hours * HOUR_MS
    return Secrets(
        current=secrets.token_hex(32),
        previous=old.current if overlap_hours else "",
        previous_until=until if overlap_hours else 0,
        current_from=min(now_ms + CACHE_SECONDS * 1000, until),
    )


def _utc(epoch_ms: int) -> str:
    """2026-11-01 12:00 UTC."""
    return f"{datetime.fromtimestamp(epoch_ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"


def main() -> int:
    options = _arguments()
    try:
        _run(options)
    except FAILURES as error:
        print(f"make secret{'-rotate' if options.command == 'rotate' else ''}: {error}", file=sys.stderr)
        return 1
    return 0


def _run(options: argparse.Namespace) -> None:
    if options.stage:
        _carry_out(options, deployed(boto3.Session(region_name=options.region), options.stage))
        return
    forget_aws()
    where = Options.from_environment()
    if not where.home.root.exists():
        raise NoStack(f"there is no stack in {where.home.root}: start one with `make up`, or name one: STAGE=prod")
    with locked(where.home.lock, seconds=60):
        _carry_out(options, embedded(where))


def _carry_out(options: argparse.Namespace, place: Place) -> None:
    now_ms = time.time_ns() // 1_000_000
    if options.command == "show":
        show(place, now_ms, caller=options.caller)
    else:
        rotate(place, now_ms, overlap_hours=options.overlap, force=options.force)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infra.secret", description="The secret of a deployment.")
    parser.add_argument("command", choices=["show", "rotate"])
    parser.add_argument("--stage", help="deployment on AWS (default: the embedded stack)")
    parser.add_argument("--region", help="its region (default: the one of the AWS configuration)")
    parser.add_argument(
        "--caller",
        default=ANONYMOUS,
        help="whose secret: the name in the audit trail of a job, where callers have names",
    )
    parser.add_argument(
        "--overlap", type=_hours, default=DAY_HOURS, help="hours for which the old secret stays valid; 0 if it leaked"
    )
    parser.add_argument("--force", action="store_true", help="rotate even while the last rotation's overlap lasts")
    return parser.parse_args()


def _hours(text: str) -> int:
    if not text.isdecimal() or int(text) > LONGEST_HOURS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of hours from 0 to {LONGEST_HOURS}")
    return int(text)


if __name__ == "__main__":
    raise SystemExit(main())
