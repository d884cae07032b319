"""What each function needs at its first call, made ready while Lambda starts it.

Lambda starts a function with a whole CPU and then calls it with a share of one, by its memory: what is imported and
made at the first call takes several times as long.
"""

from __future__ import annotations

import gc
from importlib import import_module

from chalicelib.container import services
from chalicelib.observability import logger
from chalicelib.settings import running_function

# By the name of the function in app.py: the module of its handler, and attributes of the services.
FIRST_CALLS: dict[str, tuple[str, tuple[str, ...]]] = {
    "app": ("api.views_jobs", ("jobs", "limiter", "tickets")),
    "dispatch": ("handlers.queues", ("lifecycle", "retries")),
    "check": ("handlers.queues", ("checker", "retries")),
    "assemble": ("handlers.queues", ("assembly", "heartbeat")),
    "dead_letters": ("handlers.queues", ("lifecycle", "retries")),
    "webhook": ("handlers.queues", ("webhooks", "webhook_retries")),
    "notify": ("handlers.stream", ("notifier",)),
    "sweep": ("handlers.queues", ("sweeper",)),
    "websocket_connect": ("handlers.websocket", ("subscriptions", "limiter")),
    "websocket_message": ("handlers.websocket", ("subscriptions", "limiter")),
    "websocket_disconnect": ("handlers.websocket", ("subscriptions",)),
}


def warm_up() -> None:
    """Prepares the function that Lambda is starting; does nothing anywhere else. Never raises: the first call does."""
    function = running_function()
    if function not in FIRST_CALLS:
        return
    try:
        prepare(function)
    except Exception:
        logger.exception("not warmed up", function=function)


def prepare(function: str) -> None:
    """Imports and makes what the first call of a function needs.

    All of it stays: looking for garbage meanwhile would only take time, 2 to 7% of a cold start of `assemble`.
    """
    handler, needs = FIRST_CALLS[function]
    gc.disable()
    try:
        import_module(f"chalicelib.{handler}")
        for name in needs:
            getattr(services(), name)
    finally:
        gc.enable()
