"""Table of contents of Lorry: the HTTP API, then one function per trigger.

Chalice imports this module while packaging, so nothing here reads settings or opens a client.
"""

from typing import Any

from chalice import Chalice, Rate
from chalice.app import CloudWatchEvent, SQSEvent

from chalicelib.api.routes import api
from chalicelib.handlers import queues, schedules

app = Chalice(app_name="lorry")
app.register_blueprint(api)

# The real queue is merged in by infra/template.yaml; Chalice only needs something of the right shape here.
PLACEHOLDER_QUEUE = "arn:aws:sqs:us-east-1:000000000000:placeholder"


@app.on_sqs_message(queue_arn=PLACEHOLDER_QUEUE, batch_size=1)
def dispatch(event: SQSEvent) -> Any:
    return queues.dispatch(event.to_dict(), event.context)


@app.on_sqs_message(queue_arn=PLACEHOLDER_QUEUE, batch_size=1)
def check(event: SQSEvent) -> Any:
    return queues.check(event.to_dict(), event.context)


@app.on_sqs_message(queue_arn=PLACEHOLDER_QUEUE, batch_size=1)
def assemble(event: SQSEvent) -> Any:
    return queues.assemble(event.to_dict(), event.context)


@app.on_sqs_message(queue_arn=PLACEHOLDER_QUEUE, batch_size=10)
def dead_letters(event: SQSEvent) -> Any:
    return queues.dead_letters(event.to_dict(), event.context)


@app.schedule(Rate(1, unit=Rate.MINUTES))
def sweep(event: CloudWatchEvent) -> Any:
    return schedules.sweep(event.to_dict(), event.context)
