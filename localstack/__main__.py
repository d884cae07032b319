"""`python -m localstack up | down`: what `make up` and `make down` run."""

from __future__ import annotations

import argparse
import sys

from localstack import stack
from localstack.clients import Clients, forget_aws
from localstack.home import Options
from localstack.samples import put, samples
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
    if "S3Endpoint" not in options.parameters:  # a store of the reader's own gets no files from us
        _put_samples(outputs)
    print(f"Lorry is up: {outputs['ApiUrl']}")
    print(f"  open    {outputs['ApiUrl']}/dashboard in a browser")
    print(f"  try     curl {outputs['ApiUrl']}/health")
    print(f"  names   {options.home.outputs}")
    print(f"  logs    {options.home.log}")
    print("  stop    make down")
    return 0


def _put_samples(outputs: stack.Outputs) -> None:
    files = samples()
    bucket = outputs["SourceBucket"]
    put(Clients(outputs["Endpoint"])("s3"), bucket, wanted=files, replace=False)
    print(f"{len(files)} sample files are in s3://{bucket}: ids {files[0].file_id} to {files[-1].file_id}")


def _down() -> int:
    options = Options.from_environment()
    stopped = stack.down(options)
    print("stopped; its jobs and files are gone" if stopped else f"nothing runs in {options.home.root}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
