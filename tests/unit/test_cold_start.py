"""What a function needs at its first call is made while Lambda starts it, and nowhere else."""

from __future__ import annotations

import subprocess
import sys

import pytest

from chalicelib import container
from chalicelib.cold_start import FIRST_CALLS, prepare, warm_up
from tests.support.builders import World
from tests.support.logs import logged
from tests.support.services import ENVIRONMENT, in_use


@pytest.mark.parametrize("function", FIRST_CALLS)
def test_what_a_function_needs_can_be_made(function: str) -> None:
    with in_use(World(), AUTH_MODE="none") as services:
        prepare(function)
        assert set(FIRST_CALLS[function][1]) <= vars(services).keys()


def test_a_function_is_prepared_in_lambda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_HANDLER", "app.sweep")
    with in_use(World()) as services:
        warm_up()
        assert "sweeper" in vars(services)


@pytest.mark.parametrize("handler", ["", "app.unknown"])
def test_nothing_is_prepared_elsewhere(monkeypatch: pytest.MonkeyPatch, handler: str) -> None:
    monkeypatch.setenv("_HANDLER", handler)
    with in_use(World()) as services:
        before = set(vars(services))
        warm_up()
        assert set(vars(services)) == before


def test_wrong_settings_do_not_keep_a_function_from_starting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_HANDLER", "app.app")
    monkeypatch.delenv("TABLE_NAME", raising=False)
    container.use(None)
    with logged() as lines:
        warm_up()
    assert "TABLE_NAME" in lines.getvalue()


def test_importing_the_app_loads_neither_the_api_nor_the_sdk() -> None:
    absent = ("chalicelib.api.answers", "chalicelib.handlers.queues", "botocore.session", "boto3", "jwt")
    code = f"import sys, app; found = [name for name in {absent} if name in sys.modules]; assert not found, found"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("function", "others"),
    [
        (
            "check",
            ("chalicelib.api", "chalicelib.assembly", "chalicelib.delivery.webhooks", "chalicelib.handlers.stream"),
        ),
        ("webhook", ("chalicelib.api", "chalicelib.assembly", "chalicelib.checking", "chalicelib.delivery.notifier")),
        ("notify", ("chalicelib.api", "chalicelib.assembly", "chalicelib.checking", "chalicelib.handlers.queues")),
    ],
)
def test_a_function_loads_nothing_of_the_others(function: str, others: tuple[str, ...]) -> None:
    code = f"""if True:
        import sys
        from chalicelib.cold_start import prepare
        prepare({function!r})
        found = [name for name in sys.modules if name.startswith({others})]
        assert not found, found
    """
    aws = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    subprocess.run([sys.executable, "-c", code], check=True, env={**ENVIRONMENT, **aws})
