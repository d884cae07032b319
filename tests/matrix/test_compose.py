"""The compose files are read by docker-compose itself, which needs no engine for that. Nothing is started here."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from localstack.docker import COMPOSE_FILE, STORE_DEFAULTS, STORES
from tests.matrix import installing

PROD = COMPOSE_FILE.with_name("compose.prod.yaml")
KEYS = {"S3_ACCESS_KEY_ID": "a key", "S3_SECRET_ACCESS_KEY": "a secret"}


def config(file: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    program = installing.environment() / "bin" / "docker-compose"
    return subprocess.run(
        [str(program), "--file", str(file), "config", "--format", "json"],
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def services(file: Path, store: str) -> dict[str, Any]:
    done = config(file, COMPOSE_PROFILES=store, **KEYS)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)["services"]
    return found


@pytest.mark.parametrize("file", [COMPOSE_FILE, PROD], ids=lambda file: file.name)
@pytest.mark.parametrize("store", STORES)
def test_each_store_takes_the_same_place(file: Path, store: str) -> None:
    found = services(file, store)
    assert found.keys() == {"localstack", "store-init", "jaeger", store}
    assert found[store]["networks"]["default"]["aliases"] == ["store"]
    assert [(port["published"], port["target"]) for port in found[store]["ports"]] == [("9000", 9000)]


@pytest.mark.parametrize("file", [COMPOSE_FILE, PROD], ids=lambda file: file.name)
def test_nothing_is_reached_from_other_machines(file: Path) -> None:
    ports = [port for service in services(file, STORES[0]).values() for port in service.get("ports", [])]
    assert ports
    assert {port["host_ip"] for port in ports} == {"127.0.0.1"}


@pytest.mark.parametrize("store", STORES)
def test_the_keys_that_are_given_are_the_stores(store: str) -> None:
    found = services(COMPOSE_FILE, store)
    done = config(COMPOSE_FILE, COMPOSE_PROFILES=store, **KEYS)
    identities = json.loads(done.stdout).get("configs", {}) if store == "seaweedfs" else found[store]["environment"]
    assert all(value in json.dumps(identities) for value in KEYS.values())
    assert found["store-init"]["environment"]["AWS_ACCESS_KEY_ID"] == KEYS["S3_ACCESS_KEY_ID"]


def test_the_shared_machine_wants_keys() -> None:
    done = config(PROD, COMPOSE_PROFILES="seaweedfs")
    assert done.returncode != 0
    assert "S3_ACCESS_KEY_ID" in done.stderr


def test_the_last_free_localstack_deploys_once_the_store_is_there() -> None:
    found = services(COMPOSE_FILE, STORES[0])["localstack"]
    assert found["image"] == "localstack/localstack:4.14.0"
    assert "/etc/localstack/init/ready.d" in {volume["target"] for volume in found["volumes"]}
    assert found["depends_on"]["store-init"]["condition"] == "service_completed_successfully"


def test_compose_file_and_deployment_have_the_same_defaults() -> None:
    done = config(COMPOSE_FILE, COMPOSE_PROFILES=STORES[0])
    init = json.loads(done.stdout)["services"]["store-init"]["environment"]
    assert (init["S3_ENDPOINT"], init["BUCKETS"]) == (STORE_DEFAULTS["S3_ENDPOINT"], STORE_DEFAULTS["S3_BUCKET_NAME"])
    assert init["AWS_SECRET_ACCESS_KEY"] == STORE_DEFAULTS["S3_SECRET_ACCESS_KEY"]
