"""The process of `make dev`: Chalice's local server for the API, and a runner for all other functions of app.py."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import msgspec
from chalice.config import Config
from chalice.local import ChaliceRequestHandler, create_local_server

import app
from localstack.clients import Clients
from localstack.dev import Plan
from localstack.emulator_process.browser_gate import hosts_in, is_this_machine
from localstack.events import Context, Event
from localstack.runner import Runner

HOST = "127.0.0.1"


def main() -> int:
    plan = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Plan)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    _log_warnings()
    try:
        serve(plan)
    except KeyboardInterrupt:
        return 130
    return 0


def serve(plan: Plan) -> None:
    """Serves until interrupted. Unfinished work then comes back, as after a worker's death."""
    for service in ("dynamodb", "sqs", "s3", "secretsmanager"):
        boto3.client(service)  # the first clients, and the default session, are not created thread-safely
    functions = {trigger.function: _function(trigger.function) for trigger in plan.triggers}
    server = create_local_server(app.app, Config(), HOST, plan.port)
    server.server.RequestHandlerClass = partial(OwnNamesOnly, app_object=app.app, config=Config())
    with Runner(functions, plan.triggers, clients=Clients(plan.endpoint), at_once=plan.at_once):
        # Only now: an API that answers while nothing works on its jobs would be called healthy.
        threading.Thread(target=server.serve_forever, name="api", daemon=True).start()
        threading.Event().wait()


class OwnNamesOnly(ChaliceRequestHandler):
    """Refuses requests whose Host is not this machine: a web page has had its own name lead here."""

    def parse_request(self) -> bool:
        if not super().parse_request():
            return False
        hosts = self.headers.get_all("Host", [])
        if len(hosts) == 1 and is_this_machine(hosts[0], hosts_in(os.environ)):
            return True
        self.send_error(403, explain="This server is for this machine; call it as 127.0.0.1.")
        return False


def _log_warnings() -> None:
    """Prints warnings of this process and of libraries; the application has a logger of its own."""
    handler = logging.StreamHandler()
    handler.setLevel(logging.WARNING)
    handler.addFilter(lambda record: record.name != "lorry")
    logging.basicConfig(handlers=[handler], format="%(levelname)s %(name)s: %(message)s")


def _function(name: str) -> Callable[[Event, Context], Any]:
    function: Callable[[Event, Context], Any] = getattr(app, name)
    return function


if __name__ == "__main__":
    raise SystemExit(main())
