"""The HTTP API: a route parses, makes one call, and renders."""
