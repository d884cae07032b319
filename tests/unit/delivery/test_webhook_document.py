"""Webhooks are what the OpenAPI document says of them."""

from __future__ import annotations

import pytest

from chalicelib.messages import SendWebhook
from tests.support.openapi import DOCUMENT, assert_valid
from tests.unit.delivery.test_webhooks import JOB, World


@pytest.mark.parametrize("status", ["ready", "failed", "cancelled"])
@pytest.mark.parametrize("public_url", ["", "https://lorry.test/base"])
def test_a_webhook_is_as_documented(status: str, public_url: str) -> None:
    world = World(public_url=public_url)
    world.deliver(SendWebhook(JOB.job_id, status, 1_700_000_000_123))
    assert_valid("JobEnded", world.payload())
    described = {parameter["name"] for parameter in DOCUMENT["webhooks"]["jobEnded"]["post"]["parameters"]}
    (_, headers, _), *_ = world.sender.sent
    assert headers.keys() - {"Content-Type"} == described
