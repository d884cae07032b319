"""List prices of AWS, in US dollars, us-east-1, without free tiers and discounts; as published in 2025.

Sources: aws.amazon.com/lambda/pricing, /api-gateway/pricing, /sqs/pricing, /dynamodb/pricing/on-demand, /s3/pricing,
/cloudwatch/pricing, /secrets-manager/pricing. Other regions differ:
change a figure here and run `make bench ARGS=cost`.
"""

from __future__ import annotations

MILLION = 1_000_000
DAYS_A_MONTH = 30

API_CALL = 3.50 / MILLION  # REST API, the first 333 million a month
INVOCATION = 0.20 / MILLION
GB_SECOND = {"arm64": 0.0000133334, "x86_64": 0.0000166667}
SQS_REQUEST = 0.40 / MILLION
WRITE_UNIT = 0.625 / MILLION
READ_UNIT = 0.125 / MILLION
S3_PUT = 0.005 / 1000  # PUT, COPY, POST, LIST
S3_GET = 0.0004 / 1000
S3_GB_MONTH = 0.023  # Standard, the first 50 TB
LOG_GB = 0.50
SECRET_CALL = 0.05 / 10_000

SECRET_MONTH = 0.40
ALARM_MONTH = 0.10
METRIC_MONTH = 0.30
WEBSOCKET_MESSAGE = 1.00 / MILLION
WEBSOCKET_MINUTE = 0.25 / MILLION
KMS_MONTH = 1.00
KMS_REQUEST = 0.03 / 10_000
TABLE_GB_MONTH = 0.25
PITR_GB_MONTH = 0.20
POLLER_HOUR = 0.00925  # of a provisioned poller of SQS
NAT_HOUR = 0.045
NAT_GB = 0.045
ENDPOINT_HOUR = 0.01  # of an interface endpoint, in each zone
TRANSFER_OUT_GB = 0.09  # to the internet, the first 10 TB a month
