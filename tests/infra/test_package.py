"""The zip that ships: it runs by itself, and holds run-time code only."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from chalicelib.aws.clients import SERVICES
from infra.dependencies import (
    ARCHITECTURES,
    HERE,
    LAMBDA_PYTHON,
    REPOSITORY,
    installed,
    on_aws,
    python_version,
)
from infra.package import Package, package
from infra.template_merge import finish
from tests.infra.conftest import Template

LAMBDA_LIMIT_BYTES = 250 * 1024 * 1024  # unzipped
TEMPLATE_BYTES = 1_048_576  # uploaded; UserGuide/cloudformation-limits.html
SMALL_BYTES = 40 * 1024 * 1024  # every cold start unpacks it; cryptography alone is 15 MB

# Top-level names of app.py, of what Chalice adds, and of requirements.txt with what that pulls in.
SHIPPED = {
    *("app.py", "chalicelib", "chalice"),
    *("aws_lambda_powertools", "botocore", "dateutil", "jmespath", "msgspec", "six.py"),
    *("typing_extensions.py", "urllib3"),
    *("cryptography", "jwt"),
}
COMPILED = "_cffi_backend."


@pytest.fixture(scope="module")
def names(packaged: Package) -> list[str]:
    with zipfile.ZipFile(packaged.code) as archive:
        return archive.namelist()


def functions(template: Template) -> list[Template]:
    """The properties of each."""
    resources = template["Resources"].values()
    return [found["Properties"] for found in resources if found["Type"] == "AWS::Serverless::Function"]


def handlers(template: Template) -> list[str]:
    return sorted(function["Handler"] for function in functions(template))


def fresh(code: Path, program: str) -> subprocess.CompletedProcess[str]:
    """Run `program` in an interpreter that knows the unpacked code and the standard library only."""
    start = f"import sys; sys.path.insert(0, {str(code)!r}); {program}"
    return subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", start], capture_output=True, text=True, check=False, env={}
    )


def test_every_handler_of_the_template_resolves_in_a_fresh_interpreter(template: Template, unpacked: Path) -> None:
    found = handlers(template)
    assert {"app.app", "app.assemble", "app.check", "app.dead_letters", "app.dispatch", "app.sweep"} <= set(found)
    for handler in found:
        module, name = handler.rsplit(".", 1)
        done = fresh(unpacked, f"import {module}; assert callable({module}.{name})")
        assert done.returncode == 0, done.stderr


def test_importing_the_application_reads_no_settings_and_opens_no_client(unpacked: Path) -> None:
    done = fresh(unpacked, "import os; os.environ.clear(); import app; print('imported')")
    assert done.stdout == "imported\n", done.stderr


def test_nothing_but_run_time_code_is_inside(names: list[str]) -> None:
    top = {name.split("/")[0] for name in names}
    top -= {name for name in top if name.endswith(".dist-info") or name.startswith((COMPILED, "__pycache__"))}
    assert top <= SHIPPED
    assert not [name for name in names if name.endswith(".pyi")]
    assert not [name for name in names if re.search(r"(^|/)(tests?|conftest\.py)(/|$)", name)]


def test_everything_is_compiled_ahead_without_times_so_that_a_cold_start_need_not(packaged: Package) -> None:
    with zipfile.ZipFile(packaged.code) as archive:
        compiled = [name for name in archive.namelist() if name.endswith(".pyc")]
        flags = {int.from_bytes(archive.read(name)[4:8], "little") for name in compiled}
        sources = [name for name in archive.namelist() if name.endswith(".py") and not name.startswith("chalice/")]
    assert flags == {0b01}  # PEP 552: by hash, unchecked
    assert len(compiled) == len(sources) - 1  # app.py, a table of contents


def test_the_whole_of_chalicelib_is_inside(names: list[str]) -> None:
    sources = (REPOSITORY / "chalicelib").rglob("*.py")
    assert {path.relative_to(REPOSITORY).as_posix() for path in sources} <= set(names)


def test_the_package_is_small_because_every_cold_start_unpacks_it(packaged: Package) -> None:
    with zipfile.ZipFile(packaged.code) as archive:
        assert sum(entry.file_size for entry in archive.infolist()) < SMALL_BYTES < LAMBDA_LIMIT_BYTES


def test_botocore_still_knows_every_service_that_the_code_asks_for(unpacked: Path) -> None:
    sources = "".join(path.read_text() for path in (REPOSITORY / "chalicelib").rglob("*.py"))
    asked = set(re.findall(r"client\(\s*\"([a-z0-9-]+)\"", sources))
    assert asked
    assert asked == set(SERVICES)
    for service in SERVICES:
        done = fresh(unpacked, f"import botocore.session as s; s.get_session().get_service_model({service!r})")
        assert done.returncode == 0, done.stderr


def test_unchanged_inputs_are_not_packaged_again(packaged: Package) -> None:
    again = package(packaged.template.parent)
    assert not again.built
    assert again.digest == packaged.digest


def test_the_same_inputs_make_the_same_bytes(packaged: Package, tmp_path: Path) -> None:
    other = package(tmp_path)
    assert other.built
    assert other.code.read_bytes() == packaged.code.read_bytes()
    assert other.template.read_bytes() == packaged.template.read_bytes()


def test_the_template_is_small_enough_for_cloudformation(packaged: Package) -> None:
    uploaded = json.dumps(packaged.template_with_code("s3://bucket/" + "0" * 64, "0" * 16))
    assert len(uploaded) < TEMPLATE_BYTES // 2
    document = json.loads(uploaded)
    assert len(document["Parameters"]) < 200 and len(document["Outputs"]) < 200
    assert len(document["Resources"]) < 250  # SAM makes some more; 500 is the limit


def test_every_function_is_of_the_architecture_of_the_wheels_in_its_package(template: Template) -> None:
    for function in functions(template):
        assert function["Architectures"] == [HERE.architecture]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_package_for_aws_names_its_own_architecture_and_python_whatever_machine_makes_it(architecture: str) -> None:
    written = {"Architectures": ["what Chalice wrote"], "Runtime": "what Chalice wrote"}
    function: Template = {"Type": "AWS::Serverless::Function", "Properties": written}
    finish({"Resources": {"Check": function}}, on_aws(architecture))
    assert function["Properties"] == {"Architectures": [architecture], "Runtime": f"python{LAMBDA_PYTHON}"}


def test_functions_on_this_machine_run_in_this_machines_python(template: Template) -> None:
    assert {function["Runtime"] for function in functions(template)} == {f"python{python_version()}"}


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_wheels_for_aws_are_those_of_the_pinned_python(architecture: str) -> None:
    """Downloads them, where no package for AWS was ever made here."""
    folder = installed(on_aws(architecture))
    tags = {path.name.split(".")[1] for path in folder.rglob("*.so") if ".cpython-" in path.name}
    assert tags == {f"cpython-{LAMBDA_PYTHON.replace('.', '')}-{ARCHITECTURES[architecture]}-linux-gnu"}
    assert bool(list(folder.rglob("*.pyc"))) == (on_aws(architecture).compiler is not None)
