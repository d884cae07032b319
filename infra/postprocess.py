"""What merging cannot say, because it would have to name every function or route: the last step of packaging."""

from __future__ import annotations

from typing import Any

from infra.dependencies import Target

API_FUNCTION = "APIHandler"


def finish(document: dict[str, Any], target: Target) -> None:
    """Change Chalice's template in place."""
    for resource in document["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            # Chalice writes this machine's. Not a parameter of the stack: it has to be that of the wheels beside it.
            resource["Properties"]["Architectures"] = [target.architecture]


def call_by_alias(document: dict[str, Any]) -> None:
    """Let the REST API call the function by the alias that a rollout moves (infra/template/rollout.yaml), in place.

    SAM points the event sources of a function with an alias there, but Chalice writes the API's integrations itself.
    """
    resources = document["Resources"]
    resources["APIHandlerInvokePermission"]["Properties"]["FunctionName"] = {"Ref": f"{API_FUNCTION}.Alias"}
    for methods in resources["RestAPI"]["Properties"]["DefinitionBody"]["paths"].values():
        for method in methods.values():
            integration = method["x-amazon-apigateway-integration"]
            uri = integration["uri"]["Fn::Sub"].replace(f"${{{API_FUNCTION}.Arn}}", "${Alias}")
            integration["uri"] = {"Fn::Sub": [uri, {"Alias": {"Ref": f"{API_FUNCTION}.Alias"}}]}
