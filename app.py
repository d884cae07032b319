"""Table of contents of Lorry: the HTTP API, then one function per trigger.

Chalice imports this module while packaging, so nothing here reads settings or opens a client. Each function imports its
handler itself, so that a container loads no code of the others.
"""

from typing import Any

from chalice import Chalice, Rate
from chalice.app import CloudWatchEvent, DynamoDBEvent, SQSEvent, WebsocketEvent

from chalicelib.api.routes import api
from chalicelib.cold_start import warm_up

# Our logger has the same name; Chalice would set it to ERROR and add a handler of its own.
app = Chalice(app_name="lorry", configure_logs=False)
app.experimental_feature_flags.add("WEBSOCKETS")  # Chalice packages none without it
app.register_blueprint(api)

# The real ones are merged in by infra/template; Chalice only needs something of the right shape here.
PLACEHOLDER_QUEUE = "arn:aws:sqs:us-east-1:000000000000:placeholder"
PLACEHOLDER_STREAM = "arn:aws:dynamodb:us-east-1:000000000000:table/placeholder/stream/placeholder"


@app.on_sqs_message(queue_arn=PLACEHOLDER_QUEUE, batch_size=1)
def dispatch(event: SQSEvent) -> Any:
    """Splits jobs into batches."""
    from chalicelib.handlers import queues

    return queues.dispatch(event.to_dict(), event.context)


@app.on_sqs_message(queue_arn=PLACEHOLDER_QUEUE, batch_size=1)
def check(event: SQSEvent) -> Any:
    """Checks the files of one batch."""
    from chalicelib.handlers import queues

    return queues.check(event.to_dict(), event.context)


@app.on_sqs_message(queue_arn=PLACEHOLDER_QUEUE, batch_size=1)
def assemble(event: SQSEvent) -> Any:
    """Lists prefixes; plans, builds and finishes archives."""
    from chalicelib.handlers import queues

    return queues.assemble(event.to_dict(), event.context)


@app.on_sqs_message(queue_arn=PLACEHOLDER_QUEUE, batch_size=10)
def dead_letters(event: SQSEvent) -> Any:
    """Fails the jobs of messages that gave up."""
    from chalicelib.handlers import queues

    return queues.dead_letters(event.to_dict(), event.context)


@app.on_sqs_message(queue_arn=PLACEHOLDER_QUEUE, batch_size=1)
def webhook(event: SQSEvent) -> Any:
    """Sends one webhook."""
    from chalicelib.handlers import queues

    return queues.webhook(event.to_dict(), event.context)


@app.on_dynamodb_record(stream_arn=PLACEHOLDER_STREAM)
def notify(event: DynamoDBEvent) -> Any:
    """Reports changes of jobs to their subscribers."""
    from chalicelib.handlers import stream

    return stream.notify(event.to_dict(), event.context)


@app.on_ws_connect()
def websocket_connect(event: WebsocketEvent) -> Any:
    """Admits a WebSocket, or refuses it."""
    from chalicelib.handlers import websocket

    return websocket.connect(event.to_dict(), event.context)


@app.on_ws_message()
def websocket_message(event: WebsocketEvent) -> Any:
    """Subscribes a WebSocket to jobs."""
    from chalicelib.handlers import websocket

    return websocket.message(event.to_dict(), event.context)


@app.on_ws_disconnect()
def websocket_disconnect(event: WebsocketEvent) -> Any:
    """Forgets a WebSocket."""
    from chalicelib.handlers import websocket

    return websocket.disconnect(event.to_dict(), event.context)


@app.schedule(Rate(1, unit=Rate.MINUTES))
def sweep(event: CloudWatchEvent) -> Any:
    """Restarts jobs that no message is working on."""
    from chalicelib.handlers import queues

    return queues.sweep(event.to_dict(), event.context)


warm_up()
