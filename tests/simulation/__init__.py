"""The whole service in one process under a seeded scheduler, on simulated AWS below the production adapters.

__main__.py     runs seeds, shrinks the faults of one that fails
running.py      one seed: a storm, the calm after it, and the time when every job has expired
story.py        users, and owners of files
invariants.py   what must hold in the end
deployment.py   the service: functions, queues, schedules and table as infra/template has them

faults.py       what may go wrong, how often, and how often it did
scheduler.py    tasks, processes, the virtual clock: one seed decides who runs next
executor.py     what code that needs threads is given instead
environment.py  what a service needs of the world: time, chance, and others who run meanwhile
client.py       stands where a boto3 client stands: validation, faults, retries, switch points
functions/      Lambda: containers, time limits, queues, streams and schedules as event sources
limits.py       what AWS allows and how long it takes, as data with sources
s3/             objects, listings, multipart uploads, content that is not held
sqs/            queues: visibility, duplicates, dead letters
dynamodb/       tables, indexes, expressions, streams, transactions
"""
