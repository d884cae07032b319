"""The version of the client, in a module of its own so that a build can read it without importing anything."""

VERSION = "0.1.0"
