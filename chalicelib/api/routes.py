"""The routes of the API, as Chalice and its packaging need them: every path of the table takes every method.

What serves them is imported by the first request, so that a worker, which imports this module too, need not load it.
"""

from __future__ import annotations

from chalice.app import Blueprint, Response

from chalicelib.api.operations import OPERATIONS

METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
ELSEWHERE = "/{proxy+}"

api = Blueprint(__name__)


def _add(path: str) -> None:
    def endpoint(**arguments: str) -> Response:
        from chalicelib.api.middleware import respond

        return respond(api.current_request, path=path, arguments=arguments)

    api.route(path, methods=METHODS, content_types=["*/*"], name=path)(endpoint)


for _path in (*dict.fromkeys(operation.path for operation in OPERATIONS), ELSEWHERE):
    _add(_path)
