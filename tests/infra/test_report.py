"""What `make deploy` prints about a package before it uploads it."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from infra.dependencies import ARCHITECTURES, HERE, LAMBDA_PYTHON, on_aws
from infra.package import Package
from infra.report import CannotImport, Report, report


def package_of(folder: Path, source: str) -> Package:
    code = folder / "deployment.zip"
    with zipfile.ZipFile(code, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("app.py", source)
    return Package(folder / "template.json", code, "digest", built=True)


def test_size_and_import_time_are_those_of_the_package(packaged: Package) -> None:
    found = report(packaged, HERE, runs=1)
    assert found.zipped == packaged.code.stat().st_size < found.unzipped
    assert 0.05 < found.import_seconds < 30


def test_the_line_says_whose_wheels_were_imported_where_this_machine_cannot_load_the_packages() -> None:
    other = next(name for name in ARCHITECTURES if name != HERE.architecture)
    line = str(Report(zipped=1 << 20, unzipped=3 << 20, import_seconds=0.3, target=on_aws(other))).splitlines()[0]
    assert line == (
        f"package for aws-{other}: 1.0 MiB, 3.0 MiB unpacked; "
        f"imported in 0.30 s here (by Python {HERE.python} with wheels for {HERE.architecture})"
    )


def test_a_package_without_byte_code_says_what_that_costs_and_what_to_install() -> None:
    target = on_aws(HERE.architecture)
    lines = str(Report(zipped=1, unzipped=1, import_seconds=0.3, target=target)).splitlines()[1:]
    assert bool(lines) == (target.compiler is None)
    assert all(f"install python{LAMBDA_PYTHON}" in line for line in lines)


def test_a_package_of_the_other_architecture_is_imported_with_this_machines_compiled_code(tmp_path: Path) -> None:
    other = next(name for name in ARCHITECTURES if name != HERE.architecture)
    made = package_of(tmp_path, "import msgspec._core")
    assert report(made, on_aws(other), runs=1).import_seconds > 0


def test_a_package_that_cannot_be_imported_is_not_deployed(tmp_path: Path) -> None:
    with pytest.raises(CannotImport, match="No module named 'absent'"):
        report(package_of(tmp_path, "import absent"), HERE)
