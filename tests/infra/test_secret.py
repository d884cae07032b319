"""The deployment's secret as it is made, kept, shown and rotated."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from chalicelib.delivery.signing_keys import CACHE_SECONDS, Secrets
from chalicelib.errors import SecretUnavailable
from infra import secret
from infra.dependencies import REPOSITORY
from infra.secret import HOUR_MS, NoStack, Place, StillOverlapping, rotated
from localstack import secret as local
from localstack.home import Home, LocalStackError, Options
from localstack.secret import fresh
from tests.infra.conftest import Template

NOW = 1_800_000_000_000
RESOURCES = {"Queue": {"Type": "AWS::SQS::Queue"}}  # a stack has one at least; moto cannot make secrets in one


# --- the template -----------------------------------------------------------------


def test_cloudformation_makes_a_long_secret_in_the_form_that_is_read(resources: dict[str, Template]) -> None:
    made = resources["Secret"]["Properties"]["GenerateSecretString"]
    password = "a" * made["PasswordLength"]
    stored = {**json.loads(made["SecretStringTemplate"]), made["GenerateStringKey"]: password}
    assert Secrets.from_json(json.dumps(stored)) == Secrets(password)
    assert made["PasswordLength"] >= 64
    assert made["ExcludePunctuation"]


def test_the_secret_has_no_name_of_its_own_and_is_told_to_functions_and_operators(
    template: Template, resources: dict[str, Template]
) -> None:
    assert "Name" not in resources["Secret"]["Properties"]
    assert template["Globals"]["Function"]["Environment"]["Variables"]["SECRET_ID"] == {"Ref": "Secret"}
    assert template["Outputs"]["SecretId"]["Value"] == {"Ref": "Secret"}


# --- rotation -----------------------------------------------------------------------


def test_every_secret_is_another_one() -> None:
    assert len({fresh().current for _ in range(10)}) == 10


def test_a_rotation_keeps_the_old_one_for_a_while() -> None:
    old = fresh()
    new = rotated(old, NOW, overlap_hours=24, force=False)
    assert new.current != old.current
    assert (new.previous, new.previous_until) == (old.current, NOW + 24 * HOUR_MS)
    assert new.current_from == NOW + CACHE_SECONDS * 1000


def test_a_secret_that_leaked_counts_no_more() -> None:
    old = fresh()
    new = rotated(old, NOW, overlap_hours=0, force=False)
    assert new.ticket_keys(NOW) == Secrets(new.current).ticket_keys(NOW)
    assert old.current not in new.to_json()


def test_a_second_rotation_waits_for_the_end_of_the_first() -> None:
    first = rotated(fresh(), NOW, overlap_hours=1, force=False)
    with pytest.raises(StillOverlapping, match=r"until 2027-01-15 09:00 UTC.*FORCE=yes"):
        rotated(first, NOW + HOUR_MS - 1, overlap_hours=1, force=False)
    assert rotated(first, NOW + HOUR_MS, overlap_hours=1, force=False).previous == first.current
    assert rotated(first, NOW, overlap_hours=1, force=True).previous == first.current


# --- the embedded stack's file ----------------------------------------------------


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_the_local_secret_is_made_once_and_for_its_owners_eyes_only(home: Home) -> None:
    made = local.load(home)
    assert local.load(home) == made
    assert stat.S_IMODE(home.secret.stat().st_mode) == 0o600
    assert [path.name for path in home.root.iterdir()] == ["secret.json"]


def test_a_damaged_file_is_named_with_a_way_out(home: Home) -> None:
    home.secret.write_text("{")
    with pytest.raises(LocalStackError, match=r"secret.json: .*; delete it for a new one"):
        local.load(home)


# --- the operator's command ------------------------------------------------------------


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    with mock_aws():
        yield boto3.Session(region_name="eu-central-1")


@pytest.fixture
def place(aws: Any) -> Place:
    """A deployment called prod."""
    arn = aws.client("secretsmanager").create_secret(Name="made-up", SecretString=fresh().to_json())["ARN"]
    template = {"Resources": RESOURCES, "Outputs": {"SecretId": {"Value": arn}}}
    aws.client("cloudformation").create_stack(StackName="lorry-prod", TemplateBody=json.dumps(template))
    return secret.deployed(aws, "prod")


def test_the_secret_of_a_deployment_is_found_by_its_stage(place: Place) -> None:
    told: list[str] = []
    secret.show(place, NOW, say=told.append)
    assert told == [f"webhook secret  {place.read().webhook_secrets(NOW)[0]}"]


def test_the_secret_of_one_caller_is_shown_by_its_name(place: Place) -> None:
    told: list[str] = []
    secret.show(place, NOW, caller="user:https://a.test#alice", say=told.append)
    assert told == [f"webhook secret  {place.read().webhook_secrets(NOW, 'user:https://a.test#alice')[0]}"]


def test_a_rotation_shows_both_and_never_a_master_value(place: Place) -> None:
    before = place.read()
    told: list[str] = []
    secret.rotate(place, NOW, overlap_hours=2, say=told.append)
    after = place.read()
    assert after.previous == before.current
    assert [line.split()[-1] for line in told] == list(after.webhook_secrets(NOW))
    assert "until 2027-01-15 10:00 UTC" in told[1]
    assert not any(master in line for line in told for master in (before.current, after.current))


def test_a_refused_rotation_changes_nothing(place: Place) -> None:
    secret.rotate(place, NOW, overlap_hours=2, say=lambda _: None)
    before = place.read()
    with pytest.raises(StillOverlapping):
        secret.rotate(place, NOW, overlap_hours=2, say=lambda _: None)
    assert place.read() == before


def test_the_local_file_is_rotated_too(place: Place, home: Home) -> None:
    both = Place(place.client, place.secret_id, home)
    secret.rotate(both, NOW, overlap_hours=2, say=lambda _: None)
    assert local.load(home) == place.read()


def test_a_foreign_value_is_refused(place: Place) -> None:
    place.client.put_secret_value(SecretId=place.secret_id, SecretString="hello")
    with pytest.raises(SecretUnavailable, match="must be JSON"):
        secret.show(place, NOW)


def test_a_stage_that_is_not_deployed_is_named(aws: Any) -> None:
    with pytest.raises(NoStack, match="there is no stack lorry-test in eu-central-1"):
        secret.deployed(aws, "test")


def test_a_stack_without_a_secret_is_named(aws: Any) -> None:
    template = json.dumps({"Resources": RESOURCES})
    aws.client("cloudformation").create_stack(StackName="lorry-old", TemplateBody=template)
    with pytest.raises(NoStack, match="stack lorry-old has no secret"):
        secret.deployed(aws, "old")


def test_a_home_where_nothing_runs_is_named_with_a_way_out(home: Home) -> None:
    with pytest.raises(NoStack, match=r"nothing runs in .*`make up`.*STAGE=prod"):
        secret.embedded(Options(home=home))


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["show"], "make secret: there is no stack in "),
        (["rotate"], "make secret-rotate: there is no stack in "),
        (["show", "--stage", "prod"], "make secret: no AWS region: add REGION="),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(tmp_path: Path, command: list[str], said: str) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.endswith("_REGION")}
    done = subprocess.run(
        [sys.executable, "-m", "infra.secret", *command],
        cwd=REPOSITORY,
        env={**environment, "LORRY_HOME": str(tmp_path / "none")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(said)
