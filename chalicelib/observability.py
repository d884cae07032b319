"""Logs and metrics, in one place. Both go to standard output as JSON, one object a line.

The level comes from POWERTOOLS_LOG_LEVEL, which the library reads by itself.
"""

from __future__ import annotations

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

logger = Logger(service="lorry")
metrics = Metrics(namespace="Lorry", service="lorry")


def count(name: str, value: int = 1) -> None:
    """Add to a counter of this invocation; handlers flush it at their end."""
    metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)
