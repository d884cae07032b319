"""Everything about running Lorry on one machine, without Docker and without AWS.

    home.py        where a stack keeps its files, and what may be set from outside
    processes.py   which process is ours, what holds a port, how to end one
    emulator.py    MiniStack: its environment, start, readiness, stop
    clients.py     boto3 clients that reach the emulator and nothing else
    aftercare.py   what MiniStack's CloudFormation ignores, set through its APIs
    stack.py       up and down
    samples.py     real files to download
    demo.py        the main job, end to end

The application is deployed by the same code as on AWS: infra/package.py and infra/stack.py.
"""
