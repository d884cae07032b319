"""Table of contents of Lorry: the HTTP API, then one function per trigger.

Chalice imports this module while packaging, so nothing here reads settings or opens a client.
"""

from typing import Any

from chalice import Chalice, Rate
from chalice.app import CloudWatchEvent, DynamoDBEvent, SQSEvent, WebsocketEvent

from chalicelib.api.routes import api
from chalicelib.handlers import queues, stream, websocket

app = Chalice(app_name="lorry")
app.experimental_feature_flags.add("WEBSOCKETS")  # Chalice packages none without it
app.register_blueprint(api)

# The real ones are merged in by infra/template; Chalice only needs something of the right shape here.
PLACEHOLDER_QUEUE = "arn:aws:sqs:us-east-1:000000000000:placeholder"
PLACEHOLDER_STREAM = "arn:aws:dynamodb:us-east-1:000000000000:table/placeholder/stream/placeholder"


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


@app.on_sqs_message(queue_arn=PLACEHOLDER_QUEUE, batch_size=1)
def webhook(event: SQSEvent) -> Any:
    return queues.webhook(event.to_dict(), event.context)


@app.on_dynamodb_record(stream_arn=PLACEHOLDER_STREAM)
def notify(event: DynamoDBEvent) -> Any:
    return stream.notify(event.to_dict(), event.context)


@app.on_ws_connect()
def websocket_connect(event: WebsocketEvent) -> Any:
    return websocket.connect(event.to_dict(), event.context)


@app.on_ws_message()
def websocket_message(event: WebsocketEvent) -> Any:
    return websocket.message(event.to_dict(), event.context)


@app.on_ws_disconnect()
def websocket_disconnect(event: WebsocketEvent) -> Any:
    return websocket.disconnect(event.to_dict(), event.context)


@app.schedule(Rate(1, unit=Rate.MINUTES))
def sweep(event: CloudWatchEvent) -> Any:
    return queues.sweep(event.to_dict(), event.context)
