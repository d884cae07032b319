"""Builds the Lambda package: `chalice package` plus infra/template, into template.json and deployment.zip.

    python -m infra.package [--for-aws [--architecture x86_64]] [FOLDER]

The inputs are staged in FOLDER, so that several packages can be made side by side and nothing is written
into the repository. Unchanged inputs are not packaged again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.dependencies import (
    ARCHITECTURES,
    DEFAULT_ARCHITECTURE,
    HERE,
    REPOSITORY,
    CannotInstall,
    Target,
    compile_ahead,
    installed,
    on_aws,
)
from infra.file_lock import Busy, locked
from infra.template_merge import call_by_alias, finish, merge_document, redeploy_apis

INPUTS = ("app.py", "chalicelib", "frontend/dist", "infra", "requirements.lock", ".chalice/config.json")
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can hold


class CannotPackage(Exception):
    """Chalice refused to package the application."""


POLLED = {"Dispatch": "DispatchSqsEventSource", "Check": "CheckSqsEventSource", "Assemble": "AssembleSqsEventSource"}


def add_pollers(document: dict[str, Any]) -> None:
    """Adds the parameter that gives the work queues pollers of their own, which no emulator knows, in place.

    They exclude a maximum of concurrency: each starts up to ten invocations.
    """
    document["Parameters"]["ProvisionedPollers"] = {
        "Type": "Number",
        "Default": "0",
        "MinValue": 0,
        "MaxValue": 200,
        "Description": "Pollers kept at each work queue (2 or more) instead of limits of concurrency, for money.",
    }
    document["Conditions"]["HasPollers"] = {"Fn::Not": [{"Fn::Equals": [{"Ref": "ProvisionedPollers"}, "0"]}]}
    nothing, pollers = {"Ref": "AWS::NoValue"}, {"Ref": "ProvisionedPollers"}
    for function, event in POLLED.items():
        source = document["Resources"][function]["Properties"]["Events"][event]["Properties"]
        source["ScalingConfig"] = {"Fn::If": ["HasPollers", nothing, source["ScalingConfig"]]}
        kept = {"MinimumPollers": pollers, "MaximumPollers": pollers}
        source["ProvisionedPollerConfig"] = {"Fn::If": ["HasPollers", kept, nothing]}


@dataclass(frozen=True, slots=True)
class Package:
    """A packaged application: the template and the code that it names."""

    template: Path
    code: Path
    digest: str
    built: bool

    def template_with_code(self, uri: str, settings: str) -> dict[str, Any]:
        """Returns the template with its functions' code at `uri`.

        Other `settings` make another version behind the alias, and another deployment of both APIs.
        """
        document: dict[str, Any] = json.loads(self.template.read_text(encoding="utf-8"))
        for resource in document["Resources"].values():
            if resource["Type"] == "AWS::Serverless::Function":
                resource["Properties"]["CodeUri"] = uri
                if "AutoPublishAlias" in resource["Properties"]:
                    resource["Properties"]["Description"] = f"settings {settings}"
        redeploy_apis(document, settings)
        add_pollers(document)
        return document


def package(folder: Path, target: Target = HERE) -> Package:
    """Packages the repository as it is now for `target` in `folder`. Raises CannotInstall, CannotPackage, Busy."""
    folder = folder.resolve()  # Chalice runs elsewhere
    folder.mkdir(parents=True, exist_ok=True)
    digest = inputs_digest(target)
    template, code, stamp = folder / "template.json", folder / "deployment.zip", folder / "inputs.sha256"
    with locked(folder / "lock", seconds=600):
        fresh = stamp.exists() and stamp.read_text() == digest and template.exists() and code.exists()
        if not fresh:
            stamp.unlink(missing_ok=True)
            _build(folder, target)
            stamp.write_text(digest)
    return Package(template, code, digest, built=not fresh)


def inputs_digest(target: Target) -> str:
    """Returns one hash of everything that goes into the package."""
    whole = hashlib.sha256(target.inputs.encode())
    for path in _input_files():
        whole.update(f"\0{path.relative_to(REPOSITORY).as_posix()}\0".encode())
        whole.update(hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()


def _input_files() -> Iterator[Path]:
    for name in INPUTS:
        path = REPOSITORY / name
        found = sorted(path.rglob("*")) if path.is_dir() else [path]
        yield from (file for file in found if file.is_file() and "__pycache__" not in file.parts)


def _build(folder: Path, target: Target) -> None:
    staging, out = folder / "staging", folder / "out"
    for made in (staging, out):
        shutil.rmtree(made, ignore_errors=True)
    _stage(staging, installed(target), target)
    template_merge = folder / "merge.json"
    template_merge.write_text(json.dumps(merge_document(), indent=2))
    _run_chalice(staging, template_merge=template_merge, out=out)
    document = json.loads((out / "sam.json").read_text(encoding="utf-8"))
    finish(document, target)
    call_by_alias(document)
    (folder / "template.json").write_text(json.dumps(document, indent=2, sort_keys=True) + "\n")
    _normalise(out / "deployment.zip", folder / "deployment.zip")
    for made in (staging, out):
        shutil.rmtree(made)


def _stage(staging: Path, site_packages: Path, target: Target) -> None:
    """Lays out a Chalice project whose requirements are vendored already."""
    ignore = shutil.ignore_patterns("__pycache__", "*.pyc")
    (staging / ".chalice").mkdir(parents=True)
    shutil.copy(REPOSITORY / ".chalice" / "config.json", staging / ".chalice" / "config.json")
    shutil.copy(REPOSITORY / "app.py", staging / "app.py")
    shutil.copytree(REPOSITORY / "chalicelib", staging / "chalicelib", ignore=ignore)
    compile_ahead(staging, target)
    (staging / "vendor").symlink_to(site_packages, target_is_directory=True)


def _run_chalice(project: Path, *, template_merge: Path, out: Path) -> None:
    main = "import sys; from chalice.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", main, "--project-dir", str(project)]
    command += ["package", "--merge-template", str(template_merge), str(out)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment |= {"AWS_DEFAULT_REGION": "us-east-1", "AWS_CONFIG_FILE": os.devnull, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode or not (out / "deployment.zip").exists():
        raise CannotPackage(f"chalice package failed:\n{(done.stdout + done.stderr).strip()}")


def _normalise(source: Path, target: Path) -> None:
    """Writes the same zip for the same contents: sorted, without times, without what is specific to this machine."""
    temporary = target.with_suffix(".tmp")
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as new:
        for name in sorted(set(old.namelist())):
            if name.startswith("chalice/") and "__pycache__" in name:
                continue  # compiled by this machine's Chalice, with times and paths of its own
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(entry, old.read(name))
    temporary.replace(target)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.package", description="Build the Lambda package.")
    parser.add_argument("folder", nargs="?", type=Path, default=REPOSITORY / ".lorry" / "package")
    parser.add_argument("--for-aws", action="store_true", help="with wheels for AWS Lambda, not for this machine")
    parser.add_argument("--architecture", choices=sorted(ARCHITECTURES), default=DEFAULT_ARCHITECTURE, help="on AWS")
    options = parser.parse_args()
    try:
        made = package(options.folder, on_aws(options.architecture) if options.for_aws else HERE)
    except (CannotInstall, CannotPackage, Busy) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{'packaged' if made.built else 'unchanged'}: {made.template} {made.code}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
