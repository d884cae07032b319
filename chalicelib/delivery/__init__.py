"""What leaves the service: links to results, webhooks, server-sent events and WebSocket messages."""
