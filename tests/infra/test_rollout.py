"""How a new version of the API comes into use, and what takes it back."""

from __future__ import annotations

import re

from infra.alarms import alarms
from infra.package import Package
from infra.stack import deploy
from infra.template_merge import API_FUNCTION
from tests.infra.conftest import Template
from tests.support.deployment import FakeCloudFormation, artifacts_of, stack_with
from tests.support.sam import of_type, sam_transformed
from tests.support.templates import chosen

ALIAS = {"Ref": "APIHandler.Alias"}
# A message that kills its worker comes back every half minute, so one job can fail as often as any threshold.
SET_OFF_BY_ONE_JOB = {"GaveUp", "JobsStuck", "Parked", "QueueAge", "DeadLettersWait"}
METRIC_DELAY_SECONDS = 120
CREATED = {"Stage": "prod", "SourceBucket": "files", "AuthMode": "iam"}


def test_the_api_is_called_by_its_alias_and_by_no_other_name(resources: dict[str, Template]) -> None:
    paths = resources["RestAPI"]["Properties"]["DefinitionBody"]["paths"]
    uris = [
        method["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]
        for methods in paths.values()
        for method in methods.values()
    ]
    assert len(uris) > 50
    for text, values in uris:
        assert text.endswith(":lambda:path/2015-03-31/functions/${Alias}/invocations")
        assert values == {"Alias": ALIAS}
    assert resources["APIHandlerInvokePermission"]["Properties"]["FunctionName"] == ALIAS


def test_only_the_api_has_an_alias_that_a_rollout_moves(resources: dict[str, Template]) -> None:
    with_alias = [name for name, found in resources.items() if "AutoPublishAlias" in found.get("Properties", {})]
    assert with_alias == [API_FUNCTION]
    function = resources[API_FUNCTION]["Properties"]
    assert function["AutoPublishAlias"] == "live"
    assert function["AutoPublishAliasAllProperties"] is True


def test_a_rollout_heeds_alarms_that_go_off_while_it_lasts(resources: dict[str, Template]) -> None:
    preference = resources[API_FUNCTION]["Properties"]["DeploymentPreference"]
    heeded = {found["Ref"] for found in chosen(preference, {"HeedsAlarms"})["Alarms"]}
    known = {alarm.name: alarm for alarm in alarms()}
    assert heeded == {"ApiErrorsAlarm", "NewVersionErrorsAlarm", "SweepErrorsAlarm"}
    assert not {known[name].kind for name in heeded} & SET_OFF_BY_ONE_JOB
    assert len(heeded) <= 10  # docs.aws.amazon.com/codedeploy/latest/userguide/limits.html


def test_every_rollout_lasts_longer_than_its_alarms_need(template: Template) -> None:
    """An alarm of the first minute has to go off before the last callers have moved."""
    choices = set(template["Parameters"]["Rollout"]["AllowedValues"]) - {"AllAtOnce"}
    assert template["Parameters"]["Rollout"]["Default"] in choices
    preference = template["Resources"][API_FUNCTION]["Properties"]["DeploymentPreference"]
    heeded = {found["Ref"] for found in chosen(preference, {"HeedsAlarms"})["Alarms"]}
    needed = max(alarm.period * alarm.of for alarm in alarms() if alarm.name in heeded) + METRIC_DELAY_SECONDS
    for choice in choices:
        kind, percent, minutes = re.fullmatch(r"(Canary|Linear)(\d+)Percent(?:Every)?(\d+)Minutes?", choice).groups()  # type: ignore[union-attr]
        steps = 1 if kind == "Canary" else 100 // int(percent)
        assert steps * int(minutes) * 60 > needed, choice


def test_the_new_version_is_watched_by_itself(packaged: Package) -> None:
    """Callers of a canary are a tenth of all: the share of failures among all answers would hide half of its own."""
    made = sam_transformed(packaged.template_with_code("s3://artifacts/code.zip", "settings"), CREATED)
    (version,) = of_type(made, "AWS::Lambda::Version")
    found = made["Resources"]["NewVersionErrorsAlarm"]["Properties"]["Dimensions"]
    dimensions = {one["Name"]: one["Value"] for one in found}
    assert dimensions == {
        "FunctionName": {"Ref": API_FUNCTION},
        "Resource": {"Fn::Sub": f"${{{API_FUNCTION}}}:live"},
        "ExecutedVersion": {"Fn::GetAtt": [version, "Version"]},
    }


def test_whoever_mends_a_broken_deployment_can_do_without_alarms(template: Template) -> None:
    assert template["Conditions"]["HeedsAlarms"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "Rollout"}, "AllAtOnce"]}]}
    assert template["Parameters"]["Rollout"]["Default"] == "Canary10Percent10Minutes"
    preference = template["Resources"][API_FUNCTION]["Properties"]["DeploymentPreference"]
    assert chosen(preference, set())["Alarms"] == []
    assert preference["Type"] == {"Fn::Sub": "CodeDeployDefault.Lambda${Rollout}"}


def descriptions(packaged: Package, *given: dict[str, str]) -> list[str]:
    """What the description of the API's function becomes with each deployment."""
    cloudformation = FakeCloudFormation()
    stack, artifacts = stack_with(cloudformation), artifacts_of(cloudformation)
    made = []
    for parameters in given:
        deploy(stack, packaged, artifacts=artifacts, parameters=parameters)
        made.append(cloudformation.template["Resources"][API_FUNCTION]["Properties"]["Description"])
    return made


def test_a_changed_parameter_makes_a_new_version_since_the_old_one_keeps_its_environment(packaged: Package) -> None:
    first, changed = descriptions(packaged, CREATED, {"RateLimitMaxRequests": "5"})
    assert first.startswith("settings ")
    assert first != changed


def test_the_same_parameters_make_no_new_version_named_or_not(packaged: Package) -> None:
    assert len(set(descriptions(packaged, CREATED, CREATED, {}, {"RateLimitMaxRequests": "2000"}))) == 1
