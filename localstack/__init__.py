"""Everything about running Lorry on one machine, without Docker and without AWS.

    home.py        where a stack keeps its files, and what may be set from outside
    processes.py   which process is ours, what holds a port, how to end one
    emulator.py    MiniStack: its environment, start, readiness, stop
    clients.py     boto3 clients that reach the emulator and nothing else
    ministack_patches.py   what MiniStack's CloudFormation ignores, set through its APIs
    stack.py       up and down
    samples.py     real files to download
    demo.py        the main job, end to end

    dev.py         `make dev`: prepares and supervises
    serving.py     its process: API and workers, where a breakpoint stops them
    runner.py      polls queues, follows the stream, ticks; events.py, streams.py and triggers.py belong to it
    resources.py   the template's table, queues, bucket and secret by plain calls; intrinsics.py works out references
    docker.py      `make up STACK=localstack`: compose.dev.yaml, ready.d

The embedded stack is deployed by the same code as on AWS: infra/package.py and infra/stack.py.
"""
