"""`make probe-aws` on LocalStack, whose S3 follows AWS's answers; tests/infra/test_probe.py has SeaweedFS."""

from __future__ import annotations

from infra.probe import Probe
from tests.infra.test_probe import CLAIMS, left_in
from tests.matrix.localstack_host import LocalStack


def test_localstack_passes_and_nothing_is_left(localstack: LocalStack) -> None:
    s3 = localstack.clients("s3")
    s3.create_bucket(Bucket="probed")
    probe = Probe(s3, "probed")
    findings = probe.run()
    assert [str(finding) for finding in findings if not finding.holds] == []
    assert len(findings) == CLAIMS
    assert probe.auto()
    assert left_in(s3, "probed") == []
