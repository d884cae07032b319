"""Real files to download: the standard library's packages, each as a zip, and three that are larger than 16 MiB.

They are created once per Python and kept on disk, with a list of what is in each.
"""

from __future__ import annotations

import json
import sys
import sysconfig
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from infra.dependencies import CACHE, python_version
from infra.file_lock import locked

FOLDER = CACHE / f"samples-{python_version()}"  # of all stacks on this machine
FIRST_ID = 70000
FILES = 59
LARGE_FILES = 3
LARGE_BYTES = 16 * 1024 * 1024
_LARGEST_BYTES = 40 * 1024 * 1024
_EPOCH = (1980, 1, 1, 0, 0, 0)
_FORMAT = 1  # raise it when the contents change


@dataclass(frozen=True, slots=True)
class Sample:
    """One file, as it is on disk and as it should arrive."""

    file_id: int
    title: str
    path: str
    size: int
    crc32: int

    @property
    def key(self) -> str:
        return f"downloads/{self.file_id}.zip"


def samples(folder: Path = FOLDER, *, say: Callable[[str], None] = print) -> list[Sample]:
    """Returns the samples in `folder`, created there on first use."""
    with locked(folder.with_suffix(".lock"), seconds=120):
        listing, origin = folder / "samples.json", f"{_FORMAT} {sys.version}"
        try:
            noted = json.loads(listing.read_text())
            if noted["origin"] == origin and all(Path(sample["path"]).exists() for sample in noted["samples"]):
                return [Sample(**sample) for sample in noted["samples"]]
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            pass
        say(f"creating {FILES} sample files from this Python's libraries (once)")
        folder.mkdir(parents=True, exist_ok=True)
        made = list(_make_all(folder))
        listing.write_text(json.dumps({"origin": origin, "samples": [asdict(sample) for sample in made]}, indent=2))
        return made


def _make_all(folder: Path) -> Iterator[Sample]:
    number = FIRST_ID
    for title, members in _small():
        yield _make(folder / f"{number}.zip", title=title, members=members, method=zipfile.ZIP_DEFLATED)
        number += 1
    for title, members in _large():
        yield _make(folder / f"{number}.zip", title=title, members=members, method=zipfile.ZIP_STORED)
        number += 1


def _make(path: Path, *, title: str, members: Iterable[Path], method: int) -> Sample:
    with zipfile.ZipFile(path, "w", method, compresslevel=1) as target:
        for member in members:
            entry = zipfile.ZipInfo(member.as_posix().lstrip("/"), _EPOCH)
            entry.compress_type = method
            target.writestr(entry, member.read_bytes())
    data = path.read_bytes()
    return Sample(int(path.stem), title, str(path), len(data), zlib.crc32(data))


def _small() -> list[tuple[str, list[Path]]]:
    """Packages first, then modules, until there are enough."""
    library = Path(sysconfig.get_path("stdlib"))
    packages = sorted({path.parent for path in library.rglob("__init__.py") if _is_code(path.relative_to(library))})
    modules = sorted(library.glob("*.py"))
    named = [(_dotted(path.relative_to(library)), sorted(path.glob("*.py"))) for path in packages]
    named += [(path.stem, [path]) for path in modules]
    return named[: FILES - LARGE_FILES]


def _is_code(path: Path) -> bool:
    return not {"test", "tests", "idlelib", "site-packages", "dist-packages", "__pycache__"} & set(path.parts)


def _dotted(path: Path) -> str:
    return ".".join(path.parts)


def _large() -> Iterator[tuple[str, list[Path]]]:
    """Bundles of installed packages, stored without compression, each larger than LARGE_BYTES."""
    members = _installed_files()
    for number in range(1, LARGE_FILES + 1):
        bundle, size = [], 0
        while size <= LARGE_BYTES:
            member, length = next(members)
            bundle.append(member)
            size += length
        yield f"installed packages, bundle {number}", bundle


def _installed_files() -> Iterator[tuple[Path, int]]:
    for root in (sysconfig.get_path("purelib"), sysconfig.get_path("stdlib")):
        for path in sorted(Path(root).rglob("*")):
            if path.is_file() and not path.is_symlink() and "__pycache__" not in path.parts:
                size = path.stat().st_size
                if size < _LARGEST_BYTES - LARGE_BYTES:
                    yield path, size


def put(s3: Any, bucket: str, *, wanted: Iterable[Sample], replace: bool) -> int:
    """Uploads samples that are absent and, with `replace`, those whose size differs; returns how many."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="downloads/")
    present = {found["Key"]: found["Size"] for page in pages for found in page.get("Contents", [])}
    chosen = [
        sample for sample in wanted if sample.key not in present or (replace and present[sample.key] != sample.size)
    ]
    for sample in chosen:
        s3.put_object(Bucket=bucket, Key=sample.key, Body=Path(sample.path).read_bytes())
    return len(chosen)
