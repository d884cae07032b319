"""The embedded stacks that integration tests share. A test leaves no worker stopped, no store cut off."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.deployment import Deployment
from tests.integration.relay import Relay
from tests.integration.stack import RunningStack, running_stack
from tests.support.oidc import Issuer, issuing
from tests.support.seaweed import ACCESS_KEY_ID, HOST, SECRET_ACCESS_KEY, SeaweedFS
from tests.support.store_proxy import StoreProxy

# Every function has its own role's rights and no other, as on AWS.
ENFORCED = {"AUTH": "true"}
# Short pauses, so that a retry is seen within a test; as deployed otherwise.
QUICK = {
    "RetryBaseSeconds": "0.2",
    "RetryCapSeconds": "2",
    "SweepAfterSeconds": "2",
    "RateLimitMaxRequests": "1000000",  # all tests are one caller
}
# Few deliveries, so that giving up is seen; small archives, so that splitting is.
STRICT = {
    **QUICK,
    "RetryCapSeconds": "0.5",
    "MaxReceiveCount": "2",
    "ParkReceiveCount": "4",
    "ArchiveMaxBytes": str(10 * 1024 * 1024),
}
# As many deliveries as deployed must outlast ten seconds without the store, and no sweeper helps.
SEPARATE = {"RetryCapSeconds": "4", "RateLimitMaxRequests": "1000000"}


def pytest_collection_modifyitems(items: list[Any]) -> None:
    for item in items:
        if "tests/integration/" in item.nodeid:
            item.add_marker(pytest.mark.integration)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """All of AWS on MiniStack."""
    with running_stack(tmp_path_factory.mktemp("stack"), parameters=QUICK, environment=ENFORCED) as running:
        yield running


@pytest.fixture(scope="session")
def local(stack: RunningStack) -> Deployment:
    """The stack with its store on MiniStack too."""
    return Deployment(stack, stack.clients("s3"), crc_source="head")


@pytest.fixture(scope="session")
def relay(seaweedfs: SeaweedFS) -> Iterator[Relay]:
    """What stands between `separate` and its store."""
    with Relay(("127.0.0.1", seaweedfs.port)) as relay:
        yield relay


@pytest.fixture(scope="session")
def separate(seaweedfs: SeaweedFS, relay: Relay, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A stack whose store is SeaweedFS, reached through `relay`."""
    parameters = {
        **SEPARATE,
        "SourceBucket": "separate-source",
        "S3Endpoint": relay.url,
        "S3PublicEndpoint": seaweedfs.endpoint,
        "S3AccessKeyId": ACCESS_KEY_ID,
        "S3SecretAccessKey": SECRET_ACCESS_KEY,
        "S3ForcePathStyle": "true",
    }
    s3 = seaweedfs.client(max_pool_connections=16)
    with running_stack(tmp_path_factory.mktemp("separate"), parameters=parameters, environment=ENFORCED) as running:
        for output in ("SourceBucket", "ArchiveBucket"):
            s3.create_bucket(Bucket=running.outputs[output])
        yield Deployment(running, s3, crc_source="copy")


@pytest.fixture
def proxy(seaweedfs: SeaweedFS, relay: Relay) -> Iterator[StoreProxy]:
    """What the calls of `separate` to its store go through meanwhile."""

    def lead_to(port: int) -> None:
        relay.point_at((HOST, port))
        relay.cut()  # open connections lead where they did
        relay.restore()

    with StoreProxy((HOST, seaweedfs.port)) as proxy:
        lead_to(proxy.server_port)
        yield proxy
        lead_to(seaweedfs.port)


@pytest.fixture(scope="session", params=["local", "separate"])
def deployment(request: pytest.FixtureRequest) -> Deployment:
    """One after the other: the store on MiniStack, and on SeaweedFS."""
    found: Deployment = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="session")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A stack whose messages give up soon."""
    with running_stack(tmp_path_factory.mktemp("strict"), parameters=STRICT, environment=ENFORCED) as running:
        yield Deployment(running, running.clients("s3"), crc_source="head")


@pytest.fixture(scope="session")
def issuer() -> Iterator[Issuer]:
    with issuing() as issuer:
        yield issuer


@pytest.fixture(scope="session")
def members(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A stack whose callers bear tokens; the deployment's own calls are alice's."""
    parameters = {
        "AuthMode": "jwt",
        "AllowAnonymous": "false",
        "AuthIssuer": issuer.url,
        "AuthAudience": issuer.audience,
        "StreamWaitSeconds": "0",
        "RateLimitMaxRequests": "1000000",
        "WebhookAllowLocal": "true",
    }
    with running_stack(tmp_path_factory.mktemp("members"), parameters=parameters, environment=ENFORCED) as running:
        deployment = Deployment(running, running.clients("s3"), crc_source="head")
        deployment.http.headers["Authorization"] = f"Bearer {issuer.token('alice', exp=2**33)}"
        yield deployment
