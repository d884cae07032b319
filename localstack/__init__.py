"""Runs Lorry on one machine, without Docker and without AWS.

`make up`, `make down`, `make demo`:
    __main__.py            the command
    stack.py               up and down: the emulator, the application on it, outputs.json
    emulator.py            MiniStack: its environment, start, readiness, stop
    emulator_process/      what runs in MiniStack's process: how calls and workers are limited
    ministack_patches.py   what MiniStack does differently from AWS
    secret.py              the stack's secret, which outlives the emulator
    samples.py, demo.py    real files to download; the main job, end to end

`make dev`, API and workers in one process:
    dev.py                 the command: prepares and supervises
    dev_stack.py           its table, queues, bucket and secret; its triggers
    dev_server.py          the process, where a breakpoint stops
    runner.py, events.py   polls queues, follows the stream, ticks; makes Lambda's events

`make up STACK=localstack`, in Docker:
    docker.py, compose.*.yaml, ready.d

Shared:
    home.py                folders, options, parameters of a separate store
    templates.py           the packaged template as each emulator accepts it
    clients.py             boto3 clients that reach the emulator and nothing else
    processes.py           ends processes, finds the one that holds a port

The embedded stack is deployed by the same code as on AWS: infra/package.py and infra/stack.py.
"""
