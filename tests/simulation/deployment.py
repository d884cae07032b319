"""The whole service on simulated AWS: functions, queues, schedules and table as infra/template has them.

    deployment = Deployment(7, Faults(7), {})
    deployment.scheduler.spawn("client", lambda: deployment.call("GET", "/health"))
    deployment.scheduler.run(seconds=60)

Handlers, services and adapters are those of production. Simulated are AWS, the gateways, receivers of webhooks, and
what a container takes from its machine.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from chalice.local import LambdaEventConverter, RouteMatcher
from msgspec.structs import replace

from app import app
from chalicelib import container
from chalicelib.assembly.archive_planning import PlanRules
from chalicelib.assembly.worker import Choices
from chalicelib.aws.clients import Clients
from chalicelib.aws.keys import Row
from chalicelib.callers import ANONYMOUS
from chalicelib.handlers import queues, stream, websocket
from chalicelib.settings import Settings
from chalicelib.system import System
from infra.template_merge import merge_document
from tests.simulation.client import REGION, SimulatedClient
from tests.simulation.dynamodb.service import SimulatedDynamoDB
from tests.simulation.dynamodb.tables import Change, Table
from tests.simulation.environment import Scheduled
from tests.simulation.executor import TaskEvent, TaskExecutor
from tests.simulation.faults import Faults
from tests.simulation.functions.runtime import Function, Functions, Invocation, Outcome
from tests.simulation.functions.sources import QueueSource, Schedule, StreamSource
from tests.simulation.limits import NO_LIMITS, Limits
from tests.simulation.receivers import Receiver, Sockets
from tests.simulation.s3.service import SimulatedS3
from tests.simulation.scheduler import Process, Scheduler
from tests.simulation.secrets_manager import SimulatedSecretsManager
from tests.simulation.sqs.queues import Queue
from tests.simulation.sqs.service import SimulatedSQS
from tests.support.archives import scaled
from tests.support.assembly_world import SMALL_CHUNKS
from tests.support.services import LINKS
from tests.support.templates import with_defaults

SOURCE, ARCHIVES, TABLE = "files", "archives", "jobs"
QUEUES = {
    "DISPATCH_QUEUE_URL": "DispatchQueue",
    "CHECK_QUEUE_URL": "CheckQueue",
    "ASSEMBLY_QUEUE_URL": "AssemblyQueue",
    "WEBHOOK_QUEUE_URL": "WebhookQueue",
    "WEBHOOK_DEAD_LETTERS_URL": "WebhookDeadLetters",
    "UNREADABLE_QUEUE_URL": "UnreadableQueue",
}
HANDLERS: Mapping[str, Callable[[Any, Any], Any]] = {
    "Dispatch": queues.dispatch,
    "Check": queues.check,
    "Assemble": queues.assemble,
    "DeadLetters": queues.dead_letters,
    "Webhook": queues.webhook,
}
USER = "arn:aws:iam::123456789012:user/ada"
SWEEP_SECONDS = 60.0
EXPIRY_SECONDS = 600.0  # DynamoDB takes up to days; tombstones are read meanwhile

Event = dict[str, Any]


@cache
def resources() -> Mapping[str, Any]:
    """The template's resources, with the defaults of its parameters."""
    document = merge_document()
    found: Mapping[str, Any] = with_defaults(document, document["Resources"])
    return found


@dataclass(frozen=True, slots=True)
class Lowered:
    """Limits so low that a few small files reach every phase of an archive; plan and listing take several messages."""

    part: int = 100  # bytes of S3's smallest part
    archive: int = 20_000  # bytes of an archive, which several are split into
    small: int = 500  # bytes of manifest and directory that one message finishes
    plan_ms: int = 20  # of a listing, too
    page: int = 3  # objects in a page of a listing


class Services(container.Services):
    """The services of production, with lowered limits if there are any."""

    lowered: Lowered | None = None

    @property
    def archive_choices(self) -> Choices:
        choices, lowered = super().archive_choices, self.lowered
        if lowered is None:
            return choices
        rules = PlanRules(
            max_bytes=lowered.archive,
            limits=scaled(lowered.part),
            chunks=SMALL_CHUNKS,
            small_bytes=lowered.small,
            parts_at_once=2,
        )
        return replace(choices, rules=rules, plan_ms=lowered.plan_ms, look_at_all=2)


class SimulatedClients(Clients):
    """The clients of production, with their timeouts and retries, of simulated services."""

    def __init__(self, settings: Settings, system: System, services: Mapping[str, Any]) -> None:
        super().__init__(settings, system)
        self._services = services

    def _client(self, service: str, config: Any, **_: Any) -> Any:
        return SimulatedClient(self._services[service], config)


class Deployment:
    """A stack of its own. `settings` are environment variables beside those that a stack always has."""

    def __init__(
        self,
        seed: int,
        faults: Faults,
        settings: Mapping[str, str],
        *,
        limits: Limits = NO_LIMITS,
        files_per_batch: int = 4,
        lowered: Lowered | None = None,
    ) -> None:
        self.scheduler = Scheduler(seed, on_switch=self._switch_to)
        self.environment = Scheduled(self.scheduler, faults, limits)
        self.functions = Functions(self.environment)
        self.dynamodb = SimulatedDynamoDB(self.environment)
        self.sqs = SimulatedSQS(self.environment)
        low = {"min_part": lowered.part, "page": lowered.page} if lowered else {}
        self.s3 = SimulatedS3(self.environment, **low)
        self.secrets = SimulatedSecretsManager(self.environment)
        self.services = {service.name: service for service in (self.dynamodb, self.sqs, self.s3, self.secrets)}
        owner = USER if settings.get("AUTH_MODE") == "iam" else ANONYMOUS
        self.sockets, self.receiver = Sockets(self.environment), Receiver(self.environment, self.secrets, owner)
        self._running: Process | None = None
        self._files_per_batch, self._lowered = files_per_batch, lowered
        self.s3.create_bucket(Bucket=SOURCE)
        self.s3.create_bucket(Bucket=ARCHIVES)
        self.table = self._create_table()
        self.queues = self._create_queues()
        self.settings = Settings.from_environment({**self._variables(), **settings})
        self.api = self._function("APIHandler", self._answer)
        self.connect = self._function("WebsocketConnect", websocket.connect)
        self.message = self._function("WebsocketMessage", websocket.message)
        self.sweeps = Schedule(self.functions, self._function("Sweep", queues.sweep), SWEEP_SECONDS)
        self.stream = self._stream()
        self._start()

    # --- what the template says

    def _create_table(self) -> Table:
        wanted = resources()["Table"]["Properties"]
        client: Any = SimulatedClient(self.dynamodb)
        names = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
        stream = {**wanted["StreamSpecification"], "StreamEnabled": True}
        client.create_table(TableName=TABLE, StreamSpecification=stream, **{name: wanted[name] for name in names})
        expiry = {name: wanted["TimeToLiveSpecification"][name] for name in ("AttributeName", "Enabled")}
        client.update_time_to_live(TableName=TABLE, TimeToLiveSpecification=expiry)
        return self.dynamodb.tables[TABLE]

    def _create_queues(self) -> dict[str, Queue]:
        wanted = {
            name: found["Properties"] for name, found in resources().items() if found.get("Type") == "AWS::SQS::Queue"
        }
        made: dict[str, Queue] = {}
        while len(made) < len(wanted):
            for name, properties in wanted.items():
                policy = properties.get("RedrivePolicy")
                target = policy["deadLetterTargetArn"]["Fn::GetAtt"][0] if policy else None
                if name not in made and (target is None or target in made):
                    made[name] = self._create_queue(name, properties, made.get(target or ""))
        return made

    def _create_queue(self, name: str, properties: Mapping[str, Any], target: Queue | None) -> Queue:
        names = ("VisibilityTimeout", "MessageRetentionPeriod", "DelaySeconds")
        attributes = {each: str(properties[each]) for each in names if each in properties}
        if target is not None:
            count = int(properties["RedrivePolicy"]["maxReceiveCount"])
            attributes["RedrivePolicy"] = json.dumps({"deadLetterTargetArn": target.arn, "maxReceiveCount": count})
        client: Any = SimulatedClient(self.sqs)
        return self.sqs.queue(client.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"])

    def _variables(self) -> dict[str, str]:
        fixed = {
            "TABLE_NAME": TABLE,
            "SOURCE_BUCKET": SOURCE,
            "ARCHIVE_BUCKET": ARCHIVES,
            "SECRET_ID": "lorry",
            "ALLOW_ANONYMOUS": "true",
            "AWS_REGION": REGION,
            "S3_ENDPOINT": LINKS["S3_PUBLIC_ENDPOINT"],
            "S3_ACCESS_KEY_ID": "AKIDTEST",
            "S3_SECRET_ACCESS_KEY": "simulated",
            "WEBHOOK_ALLOW_LOCAL": "true",
            "PUBLIC_URL": "https://lorry.test",
            "CHECK_CONCURRENCY": _concurrency("Check"),
            "ASSEMBLY_CONCURRENCY": _concurrency("Assemble"),
            **LINKS,
        }
        return fixed | {variable: self.queues[name].url for variable, name in QUEUES.items()}

    def _function(self, name: str, handler: Callable[[Any, Any], Any]) -> Function:
        return Function(name, handler, float(resources()[name]["Properties"]["Timeout"]), self._prepare)

    def _start(self) -> None:
        for name, handler in HANDLERS.items():
            function = self._function(name, handler)
            for source in resources()[name]["Properties"]["Events"].values():
                wanted = source["Properties"]
                queue = self.queues[wanted["Queue"]["Fn::GetAtt"][0]]
                most = int(wanted["ScalingConfig"]["MaximumConcurrency"])
                QueueSource(self.functions, function, queue, int(wanted["BatchSize"]), most).start()
        self.stream.start()
        self.sweeps.start()
        self.scheduler.spawn("expiry of rows", self._expire_rows)

    def _stream(self) -> StreamSource:
        wanted = resources()["Notify"]["Properties"]["Events"]["NotifyDynamodbEventSource"]["Properties"]
        pattern = json.loads(wanted["FilterCriteria"]["Filters"][0]["Pattern"])
        sort_keys = pattern["dynamodb"]["Keys"]["sk"]["S"]

        def is_wanted(change: Change) -> bool:
            return change.keys["sk"]["S"] in sort_keys

        function = self._function("Notify", stream.notify)
        return StreamSource(
            self.functions,
            function,
            self.table,
            batch_size=int(wanted["BatchSize"]),
            max_age=float(wanted["MaximumRecordAgeInSeconds"]),
            given_up=self.queues["NotifyDeadLetters"],
            wanted=is_wanted,
            window=float(wanted["MaximumBatchingWindowInSeconds"]),
        )

    def _expire_rows(self) -> None:
        while True:
            self.scheduler.sleep(EXPIRY_SECONDS)
            self.table.expire()

    # --- containers

    def _switch_to(self, process: Process | None) -> None:
        """Globals of a container are its own: the services, and the request that Chalice serves."""
        if self._running is not None:
            self._running.memory["request"] = app.current_request
        self._running = process
        memory = process.memory if process else {}
        container.use(memory.get("services"))
        app.current_request = memory.get("request")

    def _prepare(self, process: Process) -> None:
        system = self._system()
        given: Any = {
            "clients": SimulatedClients(self.settings, system, self.services),
            "quick_reads": None,  # they go past the SDK
            "push": self.sockets,
            "webhook_sender": self.receiver,
        }
        made = Services(self.settings, system, **given)
        made.lowered = self._lowered
        made.jobs = replace(made.jobs, files_per_batch=self._files_per_batch)
        if self._lowered is not None:
            made.lister = replace(made.lister, slice_ms=self._lowered.plan_ms)
        process.memory["services"] = made
        container.use(made)

    def _system(self) -> System:
        scheduler = self.scheduler
        return System(
            now=scheduler.now_ms,
            monotonic=lambda: scheduler.true_ms / 1000,
            sleep=scheduler.sleep,
            uniform=scheduler.random.uniform,
            executor=lambda threads: TaskExecutor(scheduler, threads),
            repeat=self._repeat,
            token=lambda: f"{scheduler.random.getrandbits(32):08x}",
            new_id=self._new_id,
        )

    def _new_id(self) -> str:
        digits = f"{self.scheduler.random.getrandbits(128):032x}"
        return "-".join((digits[:8], digits[8:12], f"4{digits[13:16]}", f"8{digits[17:20]}", digits[20:]))

    def _repeat(self, seconds: float, action: Callable[[], None]) -> Callable[[], None]:
        stopped = TaskEvent(self.scheduler)

        def run() -> None:
            action()
            while not stopped.wait(seconds):
                action()

        task = self.scheduler.spawn("heartbeat", run)

        def stop() -> None:
            stopped.set()
            while not task.done:
                self.scheduler.await_task(task)

        return stop

    @property
    def messages(self) -> Counter[str]:
        """How many messages of each kind were sent."""
        found: Counter[str] = Counter()
        for queue in self.queues.values():
            for body, count in queue.sent.items():
                found[json.loads(body)["kind"].partition(".")[0]] += count
        return found

    def rows_of(self, job_id: str) -> list[Row]:
        """Every row of a job."""
        return [row for row in self.table.items.values() if row["pk"]["S"].startswith(f"JOB#{job_id}")]

    # --- the gateway

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """What a client gets: status, and body or headers of a redirect. 502 where no function answered."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        data = ""
        if body is not None:
            data, given = json.dumps(body), {"Content-Type": "application/json", **given}
        events = LambdaEventConverter(RouteMatcher(list(app.routes)), app.api.binary_types)
        event = events.create_lambda_event(method, path, given, data)  # type: ignore[arg-type]  # text, as API Gateway hands over
        event["requestContext"]["identity"] = {"sourceIp": "198.51.100.7"}
        if "ticket=" not in path:
            event["requestContext"]["identity"]["userArn"] = USER
        event.pop("requestId", None)
        return _answered(self.functions.invoke(self.api, event))

    def answer(self, method: str, path: str) -> tuple[int, Any]:
        """What an observer gets, who waits for nothing and meets no faults."""
        asked = self.scheduler.spawn("observer", self.call, method, path)
        self.scheduler.run(until=lambda: asked.done)
        if asked.error is not None:
            raise asked.error
        found: tuple[int, Any] = asked.result
        return found

    def _answer(self, event: Event, context: Any) -> Any:
        return app(event, context)

    def open_socket(self, connection_id: str, ticket: str) -> bool:
        """Whether the service lets a client connect."""
        event: Event = {"requestContext": {"connectionId": connection_id, "identity": {"sourceIp": "198.51.100.7"}}}
        event["queryStringParameters"] = {"ticket": ticket}
        self.sockets.sent[connection_id] = []
        ended = self.functions.invoke(self.connect, event)
        return ended.outcome is Outcome.OK and ended.answer["statusCode"] == 200

    def send_on_socket(self, connection_id: str, **message: str) -> bool:
        """Whether the service has taken a client's message."""
        context = {"connectionId": connection_id, "identity": {"sourceIp": "198.51.100.7"}}
        ended = self.functions.invoke(self.message, {"requestContext": context, "body": json.dumps(message)})
        return ended.outcome is Outcome.OK and ended.answer["statusCode"] == 200

    def close(self) -> None:
        """End every task."""
        self.scheduler.close()
        container.use(None)
        app.current_request = None


def _concurrency(function: str) -> str:
    """How many workers the template allows at once."""
    (source,) = resources()[function]["Properties"]["Events"].values()
    return str(source["Properties"]["ScalingConfig"]["MaximumConcurrency"])


def _answered(ended: Invocation) -> tuple[int, Any]:
    if ended.outcome is not Outcome.OK:
        return 502, None
    status = int(ended.answer["statusCode"])
    if 300 <= status < 400:
        return status, ended.answer.get("headers", {})
    text = ended.answer.get("body") or ""
    return status, json.loads(text) if text.startswith(("{", "[")) else text
