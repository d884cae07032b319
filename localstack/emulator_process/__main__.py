"""MiniStack as the embedded stack runs it."""

from __future__ import annotations

import os

from ministack import app as ministack
from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from localstack.emulator_process import workers
from localstack.emulator_process.concurrency_gate import gated


def main() -> None:
    del os.environ["PYTHONPATH"]  # it leads here; workers inherit the environment, and must not find the repository
    workers.install(lambda_runtime, lambda_svc, cores=os.cpu_count() or 1)
    ministack.app = gated(ministack.app)
    ministack.main()


if __name__ == "__main__":
    main()
