"""Logs and metrics, in one place. Both go to standard output as JSON, one object a line.

The level comes from POWERTOOLS_LOG_LEVEL, which the library reads by itself.
"""

from __future__ import annotations

import os

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

logger = Logger(service="lorry")
metrics = Metrics(namespace="Lorry", service="lorry")
# It tells two stages of an account apart. Read here, because the settings are not made yet when this is imported.
metrics.set_default_dimensions(stage=os.environ.get("STAGE") or "none")


def count(name: str, value: int = 1) -> None:
    """Add to a counter of this invocation; handlers flush it at their end."""
    metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)
