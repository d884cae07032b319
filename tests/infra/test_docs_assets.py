"""The page at /docs works from the package alone."""

from __future__ import annotations

import zipfile

from chalicelib.api.views_service import ASSETS, PAGE
from infra.package import Package


def test_every_file_of_the_page_ships(packaged: Package) -> None:
    with zipfile.ZipFile(packaged.code) as archive:
        names = set(archive.namelist())
    needed = {f"{package.replace('.', '/')}/{path}" for package, path, _ in ASSETS.values()}
    assert needed | {f"chalicelib/api/{PAGE}/docs.html"} <= names
