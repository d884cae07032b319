"""`make deploy` as a whole, on a session whose services are fakes."""

from __future__ import annotations

import argparse
from typing import Any

import pytest

from infra.deploy import deploy_package
from infra.package import Package
from tests.infra.test_preflight import FakeGateway
from tests.support.deployment import ACCOUNT, OUTPUTS, FakeCloudFormation, FakeS3

REGION = "eu-central-1"


class FakeSession:
    """A session of an account, in which `files` is a bucket of another region."""

    region_name = REGION

    def __init__(self, *, logs_role: str | None = "arn:aws:iam::1:role/logs", concurrency: int = 1_000) -> None:
        self.concurrency = concurrency
        self.s3 = FakeS3(exists=False, buckets={"files": "eu-west-1"})
        self.cloudformation = FakeCloudFormation(self.s3)
        self.gateway = FakeGateway(logs_role)

    def client(self, service: str, **_: Any) -> Any:
        known = {"s3": self.s3, "cloudformation": self.cloudformation, "apigateway": self.gateway}
        known |= {"sts": self, "lambda": self}
        return known[service]

    def get_account_settings(self) -> dict[str, Any]:
        return {"AccountLimit": {"UnreservedConcurrentExecutions": self.concurrency}}

    def get_caller_identity(self) -> dict[str, str]:
        return {"Account": ACCOUNT}

    def get_partition_for_region(self, region: str) -> str:
        assert region == REGION
        return "aws"


def options(*parameters: tuple[str, str], upload_only: bool = False) -> argparse.Namespace:
    given = [("AuthMode", "iam"), *parameters]
    return argparse.Namespace(
        stage="prod", source_bucket="files", artifacts="artifacts", upload_only=upload_only, parameters=given
    )


def deployed(session: FakeSession, package: Package, given: argparse.Namespace) -> dict[str, str]:
    """What a deployment prints by a CloudFormation that is at once as far as it is asked for."""
    return deploy_package(session, package, options=given, poll=0.0)


def test_a_first_deployment_finds_out_what_it_was_not_told(packaged: Package) -> None:
    session = FakeSession()
    assert deployed(session, packaged, options()) == OUTPUTS
    parameters = session.cloudformation.parameters
    assert parameters["S3Region"] == "eu-west-1"
    assert parameters["AccessLogs"] == parameters["TableDeletionProtection"] == "true"
    assert (session.s3.location, session.cloudformation.verbs) == (REGION, ["create", "update"])


def test_the_same_deployment_again_changes_nothing(packaged: Package) -> None:
    session = FakeSession()
    deployed(session, packaged, options())
    template, parameters = session.cloudformation.template, session.cloudformation.parameters
    deployed(session, packaged, options())
    assert (session.cloudformation.template, session.cloudformation.parameters) == (template, parameters)


def test_access_logs_are_not_asked_for_where_the_account_has_none_and_it_is_said(
    packaged: Package, capsys: pytest.CaptureFixture[str]
) -> None:
    session = FakeSession(logs_role=None)
    deployed(session, packaged, options())
    assert session.cloudformation.parameters["AccessLogs"] == "false"
    assert "without access logs" in capsys.readouterr().out
    deployed(session, packaged, options())
    assert session.cloudformation.parameters["AccessLogs"] == "false"


@pytest.mark.parametrize(("allowed", "wanted"), [(10, "96"), (96, "96"), (97, None)])
def test_an_account_that_runs_fewer_functions_than_the_queues_start_is_named(
    packaged: Package, capsys: pytest.CaptureFixture[str], allowed: int, wanted: str | None
) -> None:
    deployed(FakeSession(concurrency=allowed), packaged, options())
    printed = capsys.readouterr().out
    assert (f"may run {allowed:,} functions at once" in printed) == (wanted is not None)
    assert wanted is None or f"start up to {wanted}" in printed


def test_what_the_queues_start_follows_the_parameters_of_this_and_the_last_deployment(
    packaged: Package, capsys: pytest.CaptureFixture[str]
) -> None:
    session = FakeSession(concurrency=100)
    for parameters in ([("CheckConcurrency", "60")], []):
        deployed(session, packaged, options(*parameters))
        assert "start up to 106" in capsys.readouterr().out


def test_it_is_said_what_event_streams_cost_at_most(packaged: Package, capsys: pytest.CaptureFixture[str]) -> None:
    deployed(FakeSession(), packaged, options())
    assert "$0.58 a day for each reader that always waits, so at most $5.76 a day" in capsys.readouterr().out
    deployed(FakeSession(), packaged, options(("StreamMaxWaiting", "50")))
    assert "at most $28.80 a day with StreamMaxWaiting=50" in capsys.readouterr().out


def test_an_upload_alone_prints_where_the_template_is(packaged: Package) -> None:
    session = FakeSession()
    printed = deployed(session, packaged, options(upload_only=True))
    assert printed["TemplateUrl"].startswith(f"https://s3.{REGION}.amazonaws.com/artifacts/lorry-prod/")
    assert not session.cloudformation.requests
