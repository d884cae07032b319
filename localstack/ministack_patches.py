"""What MiniStack does differently from AWS: the package before it is deployed, the stack afterwards.

Values come from the template, so that there is one place to change them. Each step may be repeated.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from infra.dependencies import HERE, installed
from infra.package import Package
from localstack.clients import Clients
from localstack.templates import for_emulators

BASE_PATH = "lorry"
_EPOCH = (1980, 1, 1, 0, 0, 0)
_KEPT_APPLICATIONS = 2  # workers of the one before still work when the next is deployed

# --- before ---------------------------------------------------------------------------


def for_ministack(package: Package, endpoint: str) -> Package:
    """Returns the package as MiniStack at `endpoint` accepts it, in files beside the original's.

    MiniStack unpacks the code for each worker process, where Lambda unpacks it once; 239 files take longer than their
    import. So the application and its requirements lie in two folders that all workers find, and the code that
    MiniStack unpacks is a note of where.
    """
    requirements = installed(HERE)
    template = _with_gateway_responses(
        for_emulators(json.loads(package.template.read_text(encoding="utf-8")), endpoint)
    )
    unpacked = _unpack(package, without=requirements)
    path = os.pathsep.join([str(unpacked), str(requirements)])
    template["Globals"]["Function"]["Environment"]["Variables"]["PYTHONPATH"] = path
    text = json.dumps(template, indent=2, sort_keys=True) + "\n"
    made = package.template.with_name("template-ministack.json")
    made.write_text(text, encoding="utf-8")
    code = package.code.with_name("deployment-ministack.zip")
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr(zipfile.ZipInfo("where.txt", _EPOCH), f"{path}\n")
    digest = hashlib.sha256(f"{package.digest}\0{text}".encode()).hexdigest()
    return replace(package, template=made, code=code, digest=digest)


def _unpack(package: Package, *, without: Path) -> Path:
    """Returns a folder with the application of this package, and removes those that no running worker may need."""
    folder = package.code.with_name(f"application-{package.digest[:16]}")
    if not folder.exists():
        temporary = folder.with_suffix(".tmp")
        shutil.rmtree(temporary, ignore_errors=True)
        with zipfile.ZipFile(package.code) as archive:
            own = [name for name in archive.namelist() if not (without / name).exists()]
            archive.extractall(temporary, own)
        temporary.rename(folder)
    folder.touch()
    by_age = sorted(folder.parent.glob("application-*/"), key=lambda found: found.stat().st_mtime, reverse=True)
    for outdated in by_age[_KEPT_APPLICATIONS:]:
        shutil.rmtree(outdated, ignore_errors=True)
    return folder


def _with_gateway_responses(template: dict[str, Any]) -> dict[str, Any]:
    """MiniStack ignores gateway responses in an API's Swagger document, and knows them as resources."""
    responses = template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"].pop(
        "x-amazon-apigateway-gateway-responses", {}
    )
    for reason, response in responses.items():
        template["Resources"][f"Gateway{reason.title().replace('_', '')}"] = {
            "Type": "AWS::ApiGateway::GatewayResponse",
            "Properties": {
                "RestApiId": {"Ref": "RestAPI"},
                "ResponseType": reason,
                "StatusCode": response["statusCode"],
                "ResponseParameters": response["responseParameters"],
                "ResponseTemplates": response["responseTemplates"],
            },
        }
    return template


# --- afterwards -------------------------------------------------------------------------


def patch(
    clients: Clients, template: Mapping[str, Any], *, resources: Mapping[str, str], parameters: Mapping[str, str]
) -> None:
    """Sets what MiniStack's CloudFormation ignores. `resources` maps logical to physical ids."""
    patch_storage(clients, template, resources=resources, parameters=parameters)
    gateway = clients("apigateway")
    stage = template["Resources"]["RestAPI"]["Properties"]["StageName"]
    gateway.create_deployment(
        restApiId=resources["RestAPI"], stageName=stage
    )  # gateway responses wait for the next one
    _make_concurrency_a_number(clients)
    roles = [name for name, found in template["Resources"].items() if found["Type"] == "AWS::IAM::Role"]
    _grant_batches(clients, [resources[name] for name in roles])


def patch_storage(
    clients: Callable[[str], Any],
    template: Mapping[str, Any],
    *,
    resources: Mapping[str, str],
    parameters: Mapping[str, str],
) -> None:
    """Makes the table's items and the archive bucket's objects expire."""
    table = template["Resources"]["Table"]["Properties"]
    current = clients("dynamodb").describe_time_to_live(TableName=resources["Table"])["TimeToLiveDescription"]
    if current["TimeToLiveStatus"] != "ENABLED":
        clients("dynamodb").update_time_to_live(
            TableName=resources["Table"], TimeToLiveSpecification=table["TimeToLiveSpecification"]
        )
    bucket = template["Resources"]["ArchiveBucket"]["Properties"]
    rules = [_lifecycle_rule(rule, parameters) for rule in bucket["LifecycleConfiguration"]["Rules"]]
    clients("s3").put_bucket_lifecycle_configuration(
        Bucket=resources["ArchiveBucket"], LifecycleConfiguration={"Rules": rules}
    )


def _lifecycle_rule(rule: Mapping[str, Any], parameters: Mapping[str, str]) -> dict[str, Any]:
    """S3's own form of one rule of a template."""

    def days(value: Any) -> int:
        return int(parameters[value["Ref"]] if isinstance(value, Mapping) else value)

    made: dict[str, Any] = {"ID": rule["Id"], "Status": rule["Status"], "Filter": {"Prefix": rule["Prefix"]}}
    if "ExpirationInDays" in rule:
        made["Expiration"] = {"Days": days(rule["ExpirationInDays"])}
    if abort := rule.get("AbortIncompleteMultipartUpload"):
        made["AbortIncompleteMultipartUpload"] = {"DaysAfterInitiation": days(abort["DaysAfterInitiation"])}
    return made


def _make_concurrency_a_number(clients: Clients) -> None:
    """A concurrency that comes from a parameter arrives as text, on which MiniStack's poller fails."""
    functions = clients("lambda")
    for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
        limit = mapping.get("ScalingConfig", {}).get("MaximumConcurrency")
        if limit is not None:
            functions.update_event_source_mapping(
                UUID=mapping["UUID"], ScalingConfig={"MaximumConcurrency": int(limit)}
            )


def _grant_batches(clients: Clients, roles: Iterable[str]) -> None:
    """With AUTH=true, MiniStack wants a right for SendMessageBatch, which on AWS is part of SendMessage."""
    iam = clients("iam")
    for role in roles:
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
            document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
            for statement in document["Statement"]:
                actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
                if "sqs:SendMessage" in actions:
                    statement["Action"] = sorted({*actions, "sqs:SendMessageBatch"})
            iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))


def plain_url(clients: Clients, endpoint: str, *, api: str, stage: str) -> str:
    """Gives the API a plain base URL below the emulator's address, and returns it."""
    gateway, host = clients("apigateway"), endpoint.partition("://")[2].partition(":")[0]
    unless_exists(gateway.create_domain_name, domainName=host)
    mappings = gateway.get_base_path_mappings(domainName=host).get("items", [])
    if any(mapping["basePath"] == BASE_PATH for mapping in mappings):
        gateway.delete_base_path_mapping(domainName=host, basePath=BASE_PATH)
    gateway.create_base_path_mapping(domainName=host, basePath=BASE_PATH, restApiId=api, stage=stage)
    return f"{endpoint}/{BASE_PATH}"


def create_source_bucket(clients: Callable[[str], Any], name: str) -> None:
    """Creates the bucket that exists already on AWS; browsers may read it here."""
    rule = {
        "AllowedMethods": ["GET", "HEAD"],
        "AllowedOrigins": ["*"],
        "AllowedHeaders": ["*"],
        "ExposeHeaders": ["ETag", "Content-Range", "Accept-Ranges", "Content-Length", "Content-Disposition"],
    }
    unless_exists(clients("s3").create_bucket, Bucket=name)
    clients("s3").put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": [rule]})


def unless_exists(create: Any, **arguments: Any) -> None:
    try:
        create(**arguments)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] not in (400, 409) or "xist" not in str(error):
            raise
