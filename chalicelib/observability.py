"""Logs and metrics. Both go to standard output as JSON, one object a line.

The library reads the log level from POWERTOOLS_LOG_LEVEL.
"""

from __future__ import annotations

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from chalicelib.settings import stage

logger = Logger(service="lorry")
metrics = Metrics(namespace="Lorry", service="lorry")
metrics.set_default_dimensions(stage=stage())  # known even while the other settings are invalid


def count(name: str, value: int = 1) -> None:
    """Adds to a counter of this invocation; handlers flush it at their end."""
    metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)
