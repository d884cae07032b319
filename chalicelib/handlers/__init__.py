"""Entry points of queues, stream, schedule and WebSocket API: each takes Lambda's event and context. HTTP has api/."""
