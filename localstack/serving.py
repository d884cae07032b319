"""The process of `make dev`: Chalice's local server for the API, and a runner for everything else in app.py."""

from __future__ import annotations

import argparse
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
from chalice.config import Config
from chalice.local import create_local_server

import app
from localstack.changes import RESTART, wait_for_change
from localstack.clients import Clients
from localstack.dev import Plan
from localstack.events import Context, Event
from localstack.runner import Runner
from localstack.triggers import ClockTrigger, QueueTrigger, StreamTrigger, Trigger

HOST = "127.0.0.1"
KINDS = {kind.__name__: kind for kind in (QueueTrigger, StreamTrigger, ClockTrigger)}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m localstack.serving", description="What `make dev` supervises.")
    parser.add_argument("plan", type=Path)
    parser.add_argument("--reload", action="store_true", help="end with code 3 when a source file changes")
    arguments = parser.parse_args()
    _log_trouble()
    try:
        return serve(Plan.read(arguments.plan), reload=arguments.reload)
    except KeyboardInterrupt:
        return 130


def serve(plan: Plan, *, reload: bool) -> int:
    """Serve until a file changes, or for ever. What is under way then comes back, as after a worker's death."""
    _warm_up()
    found = [_trigger(dict(one)) for one in plan.triggers]
    functions = {trigger.function: _function(trigger.function) for trigger in found}
    server = create_local_server(app.app, Config(), HOST, plan.port)
    threading.Thread(target=server.serve_forever, name="api", daemon=True).start()
    with Runner(functions, found, Clients(plan.endpoint), at_once=plan.at_once):
        if not reload:
            threading.Event().wait()
        wait_for_change()
        return RESTART


def _log_trouble() -> None:
    """What goes wrong here and in libraries; the application logs by itself."""
    handler = logging.StreamHandler()
    handler.setLevel(logging.WARNING)
    handler.addFilter(lambda record: record.name != "lorry")
    logging.basicConfig(handlers=[handler], format="%(levelname)s %(name)s: %(message)s")


def _warm_up() -> None:
    """boto3 makes its default session, and what that needs, in no thread-safe way."""
    for service in ("dynamodb", "sqs", "s3", "secretsmanager"):
        boto3.client(service)


def _trigger(values: dict[str, Any]) -> Trigger:
    kind: Callable[..., Trigger] = KINDS[values.pop("kind")]
    return kind(**values)


def _function(name: str) -> Callable[[Event, Context], Any]:
    function: Callable[[Event, Context], Any] = getattr(app, name)
    return function


if __name__ == "__main__":
    raise SystemExit(main())
