"""How a new version of the API comes into use, and what takes it back."""

from __future__ import annotations

from infra.alarms import alarms
from infra.package import Package
from infra.stack import deploy
from infra.template_merge import API_FUNCTION
from tests.infra.conftest import Template
from tests.support.deployment import FakeCloudFormation, artifacts_of, stack_with
from tests.support.templates import chosen

ALIAS = {"Ref": "APIHandler.Alias"}
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
    assert {"ApiErrorsAlarm", "APIHandlerErrorsAlarm", "CheckErrorsAlarm", "AssembleErrorsAlarm"} <= heeded
    assert all(known[name].period * known[name].of <= 300 for name in heeded)


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
