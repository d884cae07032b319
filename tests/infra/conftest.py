"""The package as it would be deployed, made once for all tests of this folder."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from infra.package import Package, package

Template = dict[str, Any]


@pytest.fixture(scope="session")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Package:
    return package(tmp_path_factory.mktemp("package"))


@pytest.fixture(scope="session")
def template(packaged: Package) -> Template:
    document: Template = json.loads(packaged.template.read_text())
    return document


@pytest.fixture(scope="session")
def resources(template: Template) -> dict[str, Template]:
    found: dict[str, Template] = template["Resources"]
    return found


@pytest.fixture(scope="session")
def unpacked(packaged: Package, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code as Lambda unpacks it."""
    folder = tmp_path_factory.mktemp("code")
    with zipfile.ZipFile(packaged.code) as archive:
        archive.extractall(folder)
    return folder
