"""What MiniStack's CloudFormation ignores, set through its APIs once the stack is there.

The values are read from the template, so that there is one place to change them. Each step may be repeated.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from localstack.clients import Clients
from localstack.intrinsics import Resolver

BASE_PATH = "lorry"


def apply(clients: Clients, template: Mapping[str, Any], resources: Mapping[str, str], resolved: Resolver) -> None:
    """`resources` maps logical ids of the template to physical ids of the stack, `resolved` works out references."""

    def properties(name: str) -> Any:
        return resolved(template["Resources"][name]["Properties"])

    expire_items(clients, resources["Table"], properties("Table"))
    expire_objects(clients, resources["ArchiveBucket"], properties("ArchiveBucket"))
    gateway = template["Resources"]["RestAPI"]["Properties"]
    responses = resolved(gateway["DefinitionBody"]["x-amazon-apigateway-gateway-responses"])
    _answer_as_gateway(clients, resources["RestAPI"], gateway["StageName"], responses)
    _limit_concurrency(clients)
    _grant_batches(clients, [resources[name] for name, found in template["Resources"].items() if _is_role(found)])


def expire_items(clients: Callable[[str], Any], table: str, properties: Mapping[str, Any]) -> None:
    wanted = properties["TimeToLiveSpecification"]
    now = clients("dynamodb").describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    if now["TimeToLiveStatus"] != "ENABLED":
        clients("dynamodb").update_time_to_live(TableName=table, TimeToLiveSpecification=wanted)


def expire_objects(clients: Callable[[str], Any], bucket: str, properties: Mapping[str, Any]) -> None:
    rules = [_lifecycle_rule(rule) for rule in properties["LifecycleConfiguration"]["Rules"]]
    clients("s3").put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})


def _lifecycle_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    """S3's own form of one rule of a template."""
    made: dict[str, Any] = {"ID": rule["Id"], "Status": rule["Status"], "Filter": {"Prefix": rule["Prefix"]}}
    if "ExpirationInDays" in rule:
        made["Expiration"] = {"Days": rule["ExpirationInDays"]}
    if "AbortIncompleteMultipartUpload" in rule:
        made["AbortIncompleteMultipartUpload"] = rule["AbortIncompleteMultipartUpload"]
    return made


def _answer_as_gateway(clients: Clients, api: str, stage: str, responses: Mapping[str, Any]) -> None:
    """Gateway responses take effect with the next deployment of the stage."""
    gateway = clients("apigateway")
    for reason, response in responses.items():
        gateway.put_gateway_response(
            restApiId=api, responseType=reason, **{**response, "statusCode": str(response["statusCode"])}
        )
    gateway.create_deployment(restApiId=api, stageName=stage)


def _limit_concurrency(clients: Clients) -> None:
    """A concurrency that comes from a parameter arrives as text, at which MiniStack's poller stumbles."""
    functions = clients("lambda")
    for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
        limit = mapping.get("ScalingConfig", {}).get("MaximumConcurrency")
        if limit is not None:
            functions.update_event_source_mapping(
                UUID=mapping["UUID"], ScalingConfig={"MaximumConcurrency": int(limit)}
            )


def _is_role(resource: Mapping[str, Any]) -> bool:
    return bool(resource["Type"] == "AWS::IAM::Role")


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


def plain_url(clients: Clients, endpoint: str, api: str, stage: str) -> str:
    """Give the API a plain base URL below the emulator's address; the URL."""
    gateway, host = clients("apigateway"), endpoint.partition("://")[2].partition(":")[0]
    unless_there(gateway.create_domain_name, domainName=host)
    mappings = gateway.get_base_path_mappings(domainName=host).get("items", [])
    if any(mapping["basePath"] == BASE_PATH for mapping in mappings):
        gateway.delete_base_path_mapping(domainName=host, basePath=BASE_PATH)
    gateway.create_base_path_mapping(domainName=host, basePath=BASE_PATH, restApiId=api, stage=stage)
    return f"{endpoint}/{BASE_PATH}"


def source_bucket(clients: Callable[[str], Any], name: str) -> None:
    """The bucket that belongs to somebody else on AWS; browsers may read it here."""
    rule = {
        "AllowedMethods": ["GET", "HEAD"],
        "AllowedOrigins": ["*"],
        "AllowedHeaders": ["*"],
        "ExposeHeaders": ["ETag", "Content-Range", "Accept-Ranges", "Content-Length", "Content-Disposition"],
    }
    unless_there(clients("s3").create_bucket, Bucket=name)
    clients("s3").put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": [rule]})


def unless_there(create: Any, **arguments: Any) -> None:
    try:
        create(**arguments)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] not in (400, 409) or "xist" not in str(error):
            raise
