"""The routes whose callers sign with IAM credentials (SigV4) if AuthMode is iam: API Gateway verifies them itself.

A route that takes a ticket stays open at the gateway, because a browser cannot sign; our own code requires the ticket.
"""

from __future__ import annotations

from typing import Any

from chalicelib.api.operations import OPERATIONS

SCHEME = "sigv4"
_SIGV4 = {
    "type": "apiKey",
    "name": "Authorization",
    "in": "header",
    "x-amazon-apigateway-authtype": "awsSigv4",
}


def signed_routes() -> dict[str, Any]:
    """Returns what is merged into the API's Swagger document."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        if operation.access.credentials and not operation.access.tickets:
            security = {"Fn::If": ["IamAuth", [{SCHEME: []}], []]}
            paths.setdefault(operation.path, {})[operation.method.lower()] = {"security": security}
    return {"paths": paths, "securityDefinitions": {SCHEME: _SIGV4}}
