"""MiniStack as the embedded stack runs it."""

from __future__ import annotations

import os

from ministack import app as ministack
from ministack.core import lambda_runtime
from ministack.services import lambda_svc, s3

from localstack.emulator_process import workers
from localstack.emulator_process.browser_gate import guarded, hosts_in
from localstack.emulator_process.concurrency_gate import gated


def main() -> None:
    del os.environ["PYTHONPATH"]  # it leads here; workers inherit the environment, and must not find the repository
    workers.install(lambda_runtime, lambda_svc, cores=os.cpu_count() or 1)
    verify = s3._verify_presigned_sigv4
    ministack.app = guarded(gated(ministack.app), is_api=_is_api, verify=verify, hosts=hosts_in(os.environ))
    ministack.main()


def _is_api(host: str, path: str) -> bool:
    """Whether MiniStack passes the request to an API of the stack, before it looks for any service."""
    found = ministack._parse_execute_api_url(host, path) or ministack._resolve_custom_domain_request(host, path)
    return found is not None


if __name__ == "__main__":
    main()
