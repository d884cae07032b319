"""The contract suites of the adapters once more, on LocalStack."""
