"""`python -m localstack up | down`: what `make up` and `make down` run."""

from __future__ import annotations

import argparse
import sys

from localstack import stack
from localstack.clients import forget_aws
from localstack.home import Options
from localstack.stack import FAILURES


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m localstack", description="The embedded stack.")
    parser.add_argument("command", choices=["up", "down"])
    command = parser.parse_args().command
    forget_aws()
    try:
        return _up() if command == "up" else _down()
    except FAILURES as error:
        print(f"make {command}: {error}", file=sys.stderr)
        return 1


def _up() -> int:
    options = Options.from_environment()
    outputs = stack.up(options)
    print(f"Lorry is up: {outputs['ApiUrl']}")
    print(f"  try     curl {outputs['ApiUrl']}/health")
    print(f"  more in {options.home.outputs}; logs in {options.home.log}; stop it with `make down`")
    return 0


def _down() -> int:
    options = Options.from_environment()
    stopped = stack.down(options)
    print("stopped" if stopped else f"nothing runs in {options.home.root}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
