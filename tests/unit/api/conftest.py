"""The API on a world of its own, called through Chalice's test client."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from chalice.test import Client

from app import app
from tests.support.builders import World
from tests.support.services import WorldServices, in_use


@pytest.fixture
def services() -> Iterator[WorldServices]:
    with in_use(World(files_per_batch=2)) as services:
        yield services


@pytest.fixture
def world(services: WorldServices) -> World:
    world: World = services.world
    return world


@pytest.fixture
def http(services: WorldServices) -> Any:
    return Client(app).http
