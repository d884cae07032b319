"""Lorry's run-time code, in the order in which data flows through it:

    request -> job -> batches -> entries -> layout -> parts -> archive -> links
    api/       jobs/   checking/   archive/ (pure)      assembly/          delivery/

`handlers/` holds the entry points of queues and schedules, `aws/` is the only code that imports botocore, and
`container.py` wires them together once per container. The rest is in ARCHITECTURE.md.
"""

__version__ = "0.1.0"
