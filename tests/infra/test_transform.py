"""What is changed for the emulator, and that it is nothing else."""

from __future__ import annotations

import copy
import json
import shutil
import zipfile
from pathlib import Path

from infra.package import Package
from localstack.transform import for_ministack, transformed
from tests.infra.conftest import Template

ENDPOINT = "http://127.0.0.1:4567"
ADDRESS = "127.0.0.1:4567/_aws/execute-api/${WebsocketAPI}/api"


def test_the_websocket_stage_deploys_by_itself(template: Template) -> None:
    resources = transformed(template, ENDPOINT)["Resources"]
    assert not [name for name, found in resources.items() if found["Type"] == "AWS::ApiGatewayV2::Deployment"]
    stage = resources["WebsocketAPIStage"]["Properties"]
    assert stage["AutoDeploy"] is True
    assert "DeploymentId" not in stage


def test_an_alias_goes_to_its_new_version_at_once(template: Template) -> None:
    function = transformed(template, ENDPOINT)["Resources"]["APIHandler"]["Properties"]
    assert "DeploymentPreference" not in function
    assert function["AutoPublishAlias"] == "live"


def test_apis_are_reached_by_a_path_below_the_emulators_address(template: Template) -> None:
    made = transformed(template, ENDPOINT)
    assert made["Outputs"]["WebSocketUrl"]["Value"] == {"Fn::Sub": f"ws://{ADDRESS}"}
    given = made["Resources"]["Notify"]["Properties"]["Environment"]["Variables"]
    assert given["WEBSOCKET_ENDPOINT"] == {"Fn::Sub": f"http://{ADDRESS}"}
    assert "AWS::URLSuffix}/api" not in json.dumps(made)


def test_all_else_stays_as_it_is_deployed_on_aws(template: Template) -> None:
    before = copy.deepcopy(template)
    made = transformed(template, ENDPOINT)
    assert template == before
    deployment = before["Resources"].pop("WebsocketAPIDeployment")
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


def test_the_application_is_unpacked_for_each_worker_and_its_requirements_are_shared(
    packaged: Package, tmp_path: Path
) -> None:
    made = for_ministack(copy_of(packaged, tmp_path), ENDPOINT)
    with zipfile.ZipFile(packaged.code) as whole, zipfile.ZipFile(made.code) as own:
        left_out = set(whole.namelist()) - set(own.namelist())
        assert {"app.py", "chalicelib/container.py"} <= set(own.namelist()) <= set(whole.namelist())
    given = json.loads(made.template.read_text())["Globals"]["Function"]["Environment"]["Variables"]
    shared = Path(given["PYTHONPATH"])
    assert "msgspec/__init__.py" in left_out
    assert all((shared / name).exists() for name in left_out)
