"""What is changed for the emulators, and that it is nothing else."""

from __future__ import annotations

import copy
import json
import os
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

from infra.package import Package
from localstack.ministack_patches import for_ministack
from localstack.templates import for_dev, for_emulators, for_localstack
from tests.infra.conftest import Template

ENDPOINT = "http://127.0.0.1:4567"
ADDRESS = "127.0.0.1:4567/_aws/execute-api/${WebsocketAPI}/api"


def test_the_websocket_stage_deploys_by_itself(template: Template) -> None:
    resources = for_emulators(template, ENDPOINT)["Resources"]
    assert not [name for name, found in resources.items() if found["Type"] == "AWS::ApiGatewayV2::Deployment"]
    stage = resources["WebsocketAPIStage"]["Properties"]
    assert stage["AutoDeploy"] is True
    assert "DeploymentId" not in stage


def test_requests_without_tls_are_not_refused(template: Template) -> None:
    assert "ArchiveBucketPolicy" in template["Resources"]
    assert "ArchiveBucketPolicy" not in for_emulators(template, ENDPOINT)["Resources"]


def test_an_alias_goes_to_its_new_version_at_once(template: Template) -> None:
    function = for_emulators(template, ENDPOINT)["Resources"]["APIHandler"]["Properties"]
    assert "DeploymentPreference" not in function
    assert function["AutoPublishAlias"] == "live"


def test_apis_are_reached_by_a_path_below_the_emulators_address(template: Template) -> None:
    made = for_emulators(template, ENDPOINT)
    assert made["Outputs"]["WebSocketUrl"]["Value"] == {"Fn::Sub": f"ws://{ADDRESS}"}
    given = made["Resources"]["Notify"]["Properties"]["Environment"]["Variables"]
    assert given["WEBSOCKET_ENDPOINT"] == {"Fn::Sub": f"http://{ADDRESS}"}
    assert "AWS::URLSuffix}/api" not in json.dumps(made)


def test_all_else_stays_as_it_is_deployed_on_aws(template: Template) -> None:
    before = copy.deepcopy(template)
    made = for_emulators(template, ENDPOINT)
    assert template == before
    deployment = before["Resources"].pop("WebsocketAPIDeployment")
    del before["Resources"]["ArchiveBucketPolicy"]
    made["Resources"]["WebsocketAPIStage"] = before["Resources"]["WebsocketAPIStage"]
    assert deployment["Type"] == "AWS::ApiGatewayV2::Deployment"
    del before["Resources"]["APIHandler"]["Properties"]["DeploymentPreference"]
    addressed = json.dumps(before)
    for scheme, plain in (("https", "http"), ("wss", "ws")):
        for api in ("${WebsocketAPI}", "${RestAPI}"):
            host = f"{scheme}://{api}.execute-api.${{AWS::Region}}.${{AWS::URLSuffix}}"
            addressed = addressed.replace(host, f"{plain}://127.0.0.1:4567/_aws/execute-api/{api}")
    assert made == json.loads(addressed)


def copy_of(package: Package, folder: Path) -> Package:
    template, code = (shutil.copy(path, folder) for path in (package.template, package.code))
    return Package(Path(template), Path(code), package.digest, built=False)


def test_the_package_itself_is_left_alone_and_the_emulators_has_a_digest_of_its_own(
    packaged: Package, tmp_path: Path
) -> None:
    original = copy_of(packaged, tmp_path)
    made, elsewhere = for_ministack(original, ENDPOINT), for_ministack(original, "http://127.0.0.1:4568")
    assert original.template.read_bytes() == packaged.template.read_bytes()
    assert original.code.read_bytes() == packaged.code.read_bytes()
    assert len({original.digest, made.digest, elsewhere.digest}) == 3


def test_the_application_and_its_requirements_are_unpacked_once_for_all_workers(
    packaged: Package, tmp_path: Path
) -> None:
    made = for_ministack(copy_of(packaged, tmp_path), ENDPOINT)
    given = json.loads(made.template.read_text())["Globals"]["Function"]["Environment"]["Variables"]
    application, requirements = map(Path, given["PYTHONPATH"].split(":"))
    assert (application / "chalicelib" / "container.py").exists()
    assert not (application / "msgspec").exists()
    with zipfile.ZipFile(packaged.code) as whole, zipfile.ZipFile(made.code) as own:
        assert all((application / name).exists() or (requirements / name).exists() for name in whole.namelist())
        assert own.read("where.txt").decode().strip() == given["PYTHONPATH"]


def test_the_application_before_stays_for_the_workers_that_run_it_and_older_ones_go(
    packaged: Package, tmp_path: Path
) -> None:
    original = copy_of(packaged, tmp_path)
    digests = ["1" * 64, "2" * 64, "3" * 64]
    for age, digest in enumerate(digests):
        for_ministack(replace(original, digest=digest), ENDPOINT)
        os.utime(tmp_path / f"application-{digest[:16]}", (age, age))
    assert {found.name for found in tmp_path.glob("application-*")} == {f"application-{d[:16]}" for d in digests[1:]}


def test_gateway_responses_are_resources_for_ministack_which_ignores_them_in_the_api(
    packaged: Package, tmp_path: Path, template: Template
) -> None:
    wanted = template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]["x-amazon-apigateway-gateway-responses"]
    made = json.loads(for_ministack(copy_of(packaged, tmp_path), ENDPOINT).template.read_text())["Resources"]
    found = {
        properties["ResponseType"]: properties
        for properties in (
            resource["Properties"] for resource in made.values() if "GatewayResponse" in resource["Type"]
        )
    }
    assert found.keys() == wanted.keys()
    for reason, response in wanted.items():
        assert found[reason]["StatusCode"] == response["statusCode"]
        assert found[reason]["ResponseTemplates"] == response["responseTemplates"]
        assert found[reason]["ResponseParameters"] == response["responseParameters"]


def test_localstack_gets_no_websocket_api_and_nothing_that_refers_to_one(template: Template) -> None:
    assert "${WebsocketAPI" not in json.dumps(for_localstack(template))


def test_make_dev_gets_storage_alone_in_a_template_short_enough_to_be_sent_as_text(template: Template) -> None:
    made = for_dev(template, {"ArchiveBucket": "archives"})
    kinds = {found["Type"] for found in made["Resources"].values()}
    assert kinds == {"AWS::DynamoDB::Table", "AWS::SQS::Queue", "AWS::S3::Bucket", "AWS::SecretsManager::Secret"}
    assert made["Resources"]["ArchiveBucket"]["Properties"]["BucketName"] == "archives"
    assert len(json.dumps(made)) < 51_200
