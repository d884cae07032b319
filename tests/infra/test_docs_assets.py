"""The pages at /docs and /dashboard work from the package alone."""

from __future__ import annotations

import zipfile

from chalicelib.api.views_pages import ASSETS, PAGE
from infra.dependencies import REPOSITORY
from infra.package import Package

DASHBOARD = "chalicelib/api/dashboard/"


def test_every_file_of_the_page_ships(packaged: Package) -> None:
    with zipfile.ZipFile(packaged.code) as archive:
        names = set(archive.namelist())
    needed = {f"{package.replace('.', '/')}/{path}" for package, path, _ in ASSETS.values()}
    assert needed | {f"chalicelib/api/{PAGE}/docs.html"} <= names


def test_every_file_of_the_dashboard_ships_as_it_is(packaged: Package) -> None:
    dist = REPOSITORY / "frontend" / "dist"
    with zipfile.ZipFile(packaged.code) as archive:
        shipped = {
            name.removeprefix(DASHBOARD): archive.read(name)
            for name in archive.namelist()
            if name.startswith(DASHBOARD) and not name.endswith("/")
        }
    assert shipped == {path.name: path.read_bytes() for path in dist.iterdir()}
