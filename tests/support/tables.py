"""The table for tests, from the definition that is deployed, and the adapters on it."""

from __future__ import annotations

import secrets
from typing import Any

from chalicelib.aws.assembly_table import DynamoAssemblyTable
from chalicelib.aws.dynamodb import Table
from chalicelib.aws.jobs_table import DynamoJobTable

RETENTION = 3600  # seconds


def token() -> str:
    return secrets.token_hex(4)


def job_table(client: Any, name: str = "jobs") -> DynamoJobTable:
    return DynamoJobTable(Table(client, name), RETENTION, token)


def assembly_table(client: Any, name: str = "jobs") -> DynamoAssemblyTable:
    return DynamoAssemblyTable(Table(client, name), RETENTION, token)


def create_table(client: Any, name: str) -> None:
    keys = ("pk", "S"), ("sk", "S"), ("open_shard", "S"), ("sweep_at", "N"), ("owner", "S"), ("created_at", "N")
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": kind} for key, kind in keys],
        KeySchema=_schema("pk", "sk"),
        GlobalSecondaryIndexes=[
            _index("open_jobs", "open_shard", "sweep_at"),
            _index("owned_jobs", "owner", "created_at"),
        ],
    )


def _index(name: str, hash_key: str, range_key: str) -> dict[str, Any]:
    return {
        "IndexName": name,
        "KeySchema": _schema(hash_key, range_key),
        "Projection": {"ProjectionType": "KEYS_ONLY"},
    }


def _schema(hash_key: str, range_key: str) -> list[dict[str, str]]:
    return [{"AttributeName": hash_key, "KeyType": "HASH"}, {"AttributeName": range_key, "KeyType": "RANGE"}]
