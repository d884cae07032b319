"""Up and down: the emulator, the application deployed on it, and outputs.json with addresses and names."""

from __future__ import annotations

import hashlib
import http
import http.client
import json
import os
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from infra.artifacts import Artifacts
from infra.dependencies import CannotInstall
from infra.file_lock import Busy, locked
from infra.package import CannotPackage, Package, package
from infra.stack import DeploymentFailed, Stack, deploy
from localstack import emulator, ministack_patches, secret
from localstack.clients import REGION, Clients
from localstack.emulator import Emulator
from localstack.home import DEFAULT_PORT, Home, LocalStackError, Options

STACK_NAME = "lorry-local"
ARTIFACTS = "lorry-artifacts"
DEFAULTS = {
    "Stage": "local",
    "SourceBucket": "lorry-source",
    "AllowAnonymous": "true",  # it listens on loopback only
    "SourceAddress": "127.0.0.1",  # the emulator takes the caller's address from a header that any caller can set
    "CheckConcurrency": "4",
    "DispatchConcurrency": "2",
    "AssemblyConcurrency": "3",
    "AssemblyVisibilitySeconds": "30",  # less than the function may run, which the emulator accepts
    "StreamMaxWaiting": "8",  # each waiting reader holds a worker, and one of the places in concurrency_gate.py
    "S3ForcePathStyle": "true",  # no name server knows bucket.127.0.0.1
    "LogRetentionDays": "1",
    "TableDeletionProtection": "false",
}
WARM = ("CheckFunction", "AssembleFunction", "NotifyFunction")  # outputs
ANSWER_SECONDS = 5.0
COMPLETE = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
FAILURES = (  # of `up`, `down` and `make dev`, with messages for people
    LocalStackError,
    CannotInstall,
    CannotPackage,
    DeploymentFailed,
    Busy,
    ClientError,
    BotoCoreError,
    OSError,
)

Outputs = dict[str, Any]


def up(options: Options) -> Outputs:
    """Starts or updates a stack with the repository's code and the given parameters; returns its outputs."""
    home = options.home
    home.root.mkdir(parents=True, exist_ok=True)
    with locked(home.lock, seconds=300):
        made = package(home.package)
        server = _server(options)
        made = ministack_patches.for_ministack(made, server.endpoint)
        template = json.loads(made.template.read_text())
        parameters = all_parameters(template, {**_addresses(server, options.parameters), **options.parameters})
        wanted = _digest(made, parameters)
        clients = Clients(server.endpoint)
        if _is_deployed(home, wanted) and _target(clients).status() in COMPLETE:
            return read_outputs(home)
        home.deployed.unlink(missing_ok=True)
        outputs = _deploy(server, made, clients=clients, parameters=parameters)
        secret.restore(clients("secretsmanager"), outputs["SecretId"], value=secret.load(home))
        _confirm(outputs, home)
        _warm(clients("lambda"), outputs)
        _write_atomically(home, outputs)
        home.deployed.write_text(wanted)
        return outputs


def _confirm(outputs: Outputs, home: Home) -> None:
    """Calls a function: the functions themselves refuse contradictory settings, at their first call."""
    connection = http.client.HTTPConnection(outputs["Endpoint"].partition("://")[2], timeout=30)
    connection.request("GET", f"/{ministack_patches.BASE_PATH}/health")
    if connection.getresponse().status == http.HTTPStatus.INTERNAL_SERVER_ERROR:
        raise LocalStackError(f"the functions do not start with these parameters; the reason is in {home.log}")


def _warm(functions: Any, outputs: Outputs) -> None:
    """Has a worker started for each function that most jobs need, so that the first job waits for none."""
    wanted = {outputs[name] for name in WARM}
    for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
        if wanted & set(mapping["FunctionArn"].split(":")):
            empty = json.dumps({"Records": []}).encode()
            functions.invoke(FunctionName=mapping["FunctionArn"], InvocationType="Event", Payload=empty)


def down(options: Options) -> bool:
    """Stops what `up` started; False if nothing ran."""
    if not options.home.root.exists():
        return False
    with locked(options.home.lock, seconds=60):
        return emulator.stop(options.home)


def read_outputs(home: Home) -> Outputs:
    outputs: Outputs = json.loads(home.outputs.read_text())
    return outputs


def _server(options: Options) -> Emulator:
    """Returns the running emulator of this home, or a new one."""
    home, server = options.home, emulator.running(options.home)
    if server is not None and options.port not in (None, server.port):
        raise LocalStackError(
            f"the stack in {home.root} runs on port {server.port} already; stop it with `make down`, "
            f"or start another: make up PORT={options.port} LORRY_HOME=.lorry-{options.port}"
        )
    if server is not None:
        same = server.environment == options.environment
        if same and server.answers(seconds=ANSWER_SECONDS):
            return server
        reason = "does not answer" if same else "has another environment"
        print(f"MiniStack (pid {server.process.pid}) {reason}; restarting it", flush=True)
    emulator.stop(home)
    return emulator.start(home, port=options.port or DEFAULT_PORT, environment=options.environment)


def _addresses(server: Emulator, given: Mapping[str, str]) -> dict[str, str]:
    """The parameters that say where clients reach the API and the store. Functions reach the store like all of AWS."""
    addresses = {"PublicUrl": f"{server.endpoint}/{ministack_patches.BASE_PATH}"}
    return addresses if "S3Endpoint" in given else {**addresses, "S3PublicEndpoint": server.endpoint}


def all_parameters(template: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, str]:
    """Returns every parameter: as given, else as on a local stack, else as the template declares it.

    All of them are named in each deployment, so that none stays as it was the last time.
    """
    declared = template["Parameters"].items()
    defaults = {name: str(parameter["Default"]) for name, parameter in declared if "Default" in parameter}
    return {**defaults, **DEFAULTS, **given}


def _is_deployed(home: Home, wanted: str) -> bool:
    return home.deployed.exists() and home.deployed.read_text() == wanted and home.outputs.exists()


def _target(clients: Clients) -> Stack:
    return Stack(STACK_NAME, clients("cloudformation"), poll=0.05, deadline=120.0)


def _digest(made: Package, parameters: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps([made.digest, parameters], sort_keys=True).encode()).hexdigest()


def _deploy(server: Emulator, made: Package, *, clients: Clients, parameters: Mapping[str, str]) -> Outputs:
    for bucket in (ARTIFACTS, parameters["SourceBucket"]):
        ministack_patches.create_source_bucket(clients, bucket)
    outputs: Outputs = dict(
        deploy(_target(clients), made, artifacts=Artifacts(clients("s3"), ARTIFACTS), parameters=parameters)
    )
    template = json.loads(made.template.read_text())
    resources = physical_ids(clients, STACK_NAME)
    ministack_patches.patch(clients, template, resources=resources, parameters=parameters)
    stage = template["Resources"]["RestAPI"]["Properties"]["StageName"]
    url = ministack_patches.plain_url(clients, server.endpoint, api=resources["RestAPI"], stage=stage)
    return outputs | {"ApiUrl": url, "Endpoint": server.endpoint, "Region": REGION, "Pid": server.process.pid}


def physical_ids(clients: Clients, stack: str) -> dict[str, str]:
    """Returns the physical ids of a stack's resources by their logical ids."""
    pages = clients("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
    listed = [resource for page in pages for resource in page["StackResourceSummaries"]]
    return {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in listed}


def _write_atomically(home: Home, outputs: Outputs) -> None:
    temporary = home.outputs.with_suffix(".tmp")
    temporary.write_text(json.dumps(outputs, indent=2, sort_keys=True) + "\n")
    os.replace(temporary, home.outputs)
