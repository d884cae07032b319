"""The routes whose callers sign with IAM credentials (SigV4) where AuthMode is iam: API Gateway checks them itself.

A route that a browser calls with a ticket stays open at the gateway, because a browser cannot sign; our own code lets
only the holder of a ticket in.
"""

from __future__ import annotations

from typing import Any

from chalicelib.api import routes  # noqa: F401 - declaring the routes fills DOORS
from chalicelib.api.endpoint import DOORS

SCHEME = "sigv4"


def signed_routes() -> dict[str, Any]:
    """What is merged into the API's Swagger document."""
    paths: dict[str, dict[str, Any]] = {}
    for (path, method), door in DOORS.items():
        if door.credentials and not door.tickets:
            security = {"Fn::If": ["IamAuth", [{SCHEME: []}], []]}
            paths.setdefault(path, {})[method.lower()] = {"security": security}
    return {"paths": paths, "securityDefinitions": {SCHEME: _SIGV4}}


_SIGV4 = {
    "type": "apiKey",
    "name": "Authorization",
    "in": "header",
    "x-amazon-apigateway-authtype": "awsSigv4",
}
