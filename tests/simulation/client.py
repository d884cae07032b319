"""Stands where a boto3 client stands: dict in, dict out, AWS's errors, and the retries of the SDK.

Each call is checked against the SDK's own description of it, and is a switch point twice: before it takes effect, and
before its answer is read. At both the calling process may crash. A service is an object with a method per operation;
one that takes AWS several steps is a generator that yields between them.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from functools import cache, partial
from itertools import count
from types import GeneratorType, SimpleNamespace
from typing import Any, Protocol

import botocore.session
from botocore import xform_name
from botocore.config import Config
from botocore.errorfactory import ClientExceptionsFactory
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    ParamValidationError,
    ReadTimeoutError,
)
from botocore.paginate import Paginator, PaginatorModel
from botocore.validate import ParamValidator

from tests.simulation.environment import Environment
from tests.simulation.faults import Fault
from tests.simulation.scheduler import Killed

REGION = "us-east-1"
ACCOUNT = "123456789012"
LATE_SECONDS = 60.0  # a service that has a whole request is done soon
LATE_COMPLETION_SECONDS = 300.0  # S3 API, CompleteMultipartUpload: "could take several minutes"
LONGEST_BACKOFF = 20.0

# botocore.retries.standard
THROTTLED = frozenset(
    {
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)
TRANSIENT = frozenset({500, 502, 503, 504})


class Refused(Exception):
    """A service's answer that is an error. `more` is what it holds beside code and message.

    `exception` names the SDK's exception where that is not the code.
    """

    def __init__(self, code: str, message: str = "", *, status: int = 400, exception: str = "", **more: Any) -> None:
        self.code, self.message, self.status, self.more = code, message, status, more
        self.exception = exception or code
        super().__init__(f"{code}: {message}")


class Service(Protocol):
    """A simulated service. `name` is boto3's name of it."""

    @property
    def name(self) -> str: ...

    @property
    def environment(self) -> Environment: ...

    def describe(self, operation: str, arguments: Mapping[str, Any]) -> str:
        """What the trace says of a call, in a few words."""

    def prepare(self, operation: str, arguments: dict[str, Any], config: Config) -> None:
        """Adds to a call what the SDK adds by itself."""

    def fault_before(self, operation: str, arguments: Mapping[str, Any]) -> None:
        """Raises Refused where a fault of this service happens instead of the call."""


class Hooks:
    """What a client registers at the SDK: of its events, those before and after each attempt."""

    def __init__(self) -> None:
        self._before: list[Callable[..., None]] = []
        self._after: list[Callable[..., float | None]] = []

    def register_first(self, event: str, hook: Callable[..., Any]) -> None:
        match event.partition(".")[0]:
            case "before-send":
                self._before.append(hook)
            case "needs-retry":
                self._after.append(hook)
            case _:
                raise NotImplementedError(f"the simulated SDK has no {event}")

    def before(self, operation: str) -> None:
        """A request is about to be sent."""
        for hook in self._before:
            hook(event_name=f"before-send.s3.{operation}", request=None)

    def after(self, operation: str, attempt: int, outcome: Mapping[str, Any] | BotoCoreError) -> float | None:
        """Returns the pause before another attempt, as the first hook says that has one, each asked as the SDK does."""
        answered = None if isinstance(outcome, BotoCoreError) else (None, outcome)
        caught = outcome if answered is None else None
        name = f"needs-retry.s3.{operation}"
        pauses = [
            hook(attempts=attempt, event_name=name, response=answered, caught_exception=caught) for hook in self._after
        ]
        return next((pause for pause in pauses if pause is not None), None)


class SimulatedClient:
    """A client of a simulated service. Of `config` the attempts and the read timeout count."""

    def __init__(self, service: Service, config: Config | None = None) -> None:
        options = config or Config()
        self._service = service
        self._attempts = int((options.retries or {}).get("total_max_attempts", 5))
        self._read_timeout = float(options.read_timeout)
        self._model = _model(service.name)
        self.exceptions = self._model.exceptions
        endpoint = f"https://{service.name}.{REGION}.amazonaws.com"
        self._hooks = Hooks()
        self.meta = SimpleNamespace(endpoint_url=endpoint, region_name=REGION, config=options, events=self._hooks)

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        shape = self._model.shapes.get(operation)
        if shape is None:
            raise AttributeError(f"{self._model.name} has no operation {operation}")
        method = getattr(self._service, operation, None)
        if method is None:
            raise NotImplementedError(f"the simulated {self._service.name} has no {operation}")
        call = partial(self._call, operation, method, shape)
        setattr(self, operation, call)
        return call

    def get_paginator(self, operation: str) -> Paginator:
        return Paginator(getattr(self, operation), *self._model.pagination(operation))

    def _call(self, operation: str, method: Callable[..., Any], shape: Any, /, **arguments: Any) -> dict[str, Any]:
        self._service.prepare(operation, arguments, self.meta.config)
        self._validate(arguments, shape)
        for attempt in count(1):
            try:
                self._hooks.before(self._model.operations[operation])
                answer = self._attempt(operation, method, arguments)
            except (ClientError, BotoCoreError) as error:
                pause = self._pause(operation, attempt, error)
                if pause is None:
                    raise
                self._service.environment.sleep(pause)
            else:
                answer["ResponseMetadata"] = {"HTTPStatusCode": 200, "RetryAttempts": attempt - 1}
                self._hooks.after(self._model.operations[operation], attempt, answer)
                return answer
        raise AssertionError("an attempt either answers or raises")

    def _pause(self, operation: str, attempt: int, error: ClientError | BotoCoreError) -> float | None:
        """Seconds before the next attempt, by the first that says so: a hook, the SDK; None for no other."""
        outcome = error.response if isinstance(error, ClientError) else error
        pause = self._hooks.after(self._model.operations[operation], attempt, outcome)
        if pause is not None:
            return pause
        if attempt >= self._attempts or not _is_retried(error):
            return None
        backoff: float = self._service.environment.random.random() * 2.0 ** (attempt - 1)
        return min(backoff, LONGEST_BACKOFF)

    def _validate(self, arguments: Mapping[str, Any], shape: Any) -> None:
        if shape is None:
            return
        report = _VALIDATOR.validate(arguments, shape)
        if report.has_errors():
            raise ParamValidationError(report=report.generate_report())

    def _attempt(self, operation: str, method: Callable[..., Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
        environment, service = self._service.environment, self._service
        point = f"{service.name}.{operation}"
        environment.check()
        effect = _Effect(service, operation, method, arguments)
        try:
            environment.travel(point)
            environment.fault_point(Fault.CRASH_BEFORE, point)
            self._before(effect, point)
            answer = effect.perform()
            environment.travel(point)
        except Killed:
            effect.survive()
            raise
        except Refused as refused:
            raise self._error(operation, refused) from None
        environment.fault_point(Fault.CRASH_AFTER, point)
        if environment.faults.happens(Fault.LOST_ANSWER, point):
            raise ConnectionClosedError(endpoint_url=self.meta.endpoint_url)
        return answer

    def _before(self, effect: _Effect, point: str) -> None:
        """What may go wrong before a call takes effect, or instead."""
        environment, faults = self._service.environment, self._service.environment.faults
        if faults.happens(Fault.UNREACHABLE, point):
            raise EndpointConnectionError(endpoint_url=self.meta.endpoint_url)
        if faults.happens(Fault.SLOW_CALL, point):
            seconds = environment.random.uniform(0, 2 * self._read_timeout)
            if seconds >= self._read_timeout:
                effect.survive()
                environment.sleep(self._read_timeout)
                raise ReadTimeoutError(endpoint_url=self.meta.endpoint_url)
            environment.sleep(seconds)
        effect.refuse()

    def _error(self, operation: str, refused: Refused) -> ClientError:
        response = {
            "Error": {"Code": refused.code, "Message": refused.message},
            "ResponseMetadata": {"HTTPStatusCode": refused.status, "RetryAttempts": 0},
            **refused.more,
        }
        kind = self.exceptions.from_code(refused.exception)
        error: ClientError = kind(response, self._model.operations[operation])
        return error


class _Effect:
    """What a call does in its service, once: while the caller waits, or later, when the caller is gone."""

    def __init__(
        self, service: Service, operation: str, method: Callable[..., Any], arguments: Mapping[str, Any]
    ) -> None:
        self._service, self._operation, self._arguments = service, operation, arguments
        self.point = f"{service.name}.{operation}"
        self._method = method
        self._begun: Generator[None, None, dict[str, Any]] | None = None
        self._over = False

    def refuse(self) -> None:
        """Raises Refused where the service does not do it."""
        try:
            self._service.fault_before(self._operation, self._arguments)
        except Refused as refused:
            self._over = True
            self._note(refused.code)
            raise

    def perform(self) -> dict[str, Any]:
        """Do it, step by step; others run between two steps."""
        try:
            result: Any = self._method(**self._arguments)
            if isinstance(result, GeneratorType):
                self._begun = result
                result = self._drive(partial(self._service.environment.travel, self.point))
        except Refused as refused:
            self._over = True
            self._note(refused.code)
            raise
        self._over = True
        self._note("ok")
        answer: dict[str, Any] = result
        return answer

    def survive(self) -> None:
        """The caller is gone: perhaps the service does it all the same, some time later."""
        environment = self._service.environment
        if self._over:
            return
        self._over = True
        if environment.faults.happens(Fault.LATE_EFFECT, self.point):
            completes = self._operation == "complete_multipart_upload"
            most = LATE_COMPLETION_SECONDS if completes else LATE_SECONDS
            environment.later(environment.random.uniform(0, most), self._finish)
        elif self._begun is not None:
            self._begun.close()

    def _finish(self) -> None:
        try:
            if self._begun is None:
                result = self._method(**self._arguments)
                if isinstance(result, GeneratorType):
                    self._begun = result
            if self._begun is not None:
                self._drive(lambda: None)
        except Refused as refused:
            self._note(f"late: {refused.code}")
        else:
            self._note("late: ok")

    def _drive(self, between: Callable[[], None]) -> Any:
        assert self._begun is not None
        while True:
            try:
                next(self._begun)
            except StopIteration as over:
                return over.value
            between()

    def _note(self, outcome: str) -> None:
        service = self._service
        words = service.describe(self._operation, self._arguments)
        service.environment.note(f"{self.point} {words}: {outcome}")


def _is_retried(error: ClientError | BotoCoreError) -> bool:
    if not isinstance(error, ClientError):
        return isinstance(error, ConnectionClosedError | EndpointConnectionError | ReadTimeoutError)
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    return error.response["Error"]["Code"] in THROTTLED or status in TRANSIENT


_VALIDATOR = ParamValidator()


class _Model:
    """The SDK's description of a service."""

    def __init__(self, service: str) -> None:
        session = botocore.session.get_session()
        self._paginators: PaginatorModel | None = None
        self._session, self._service = session, service
        self.model = session.get_service_model(service)
        self.name = self.model.service_id
        self.operations = {xform_name(name): name for name in self.model.operation_names}
        self.shapes = {
            name: self.model.operation_model(operation).input_shape for name, operation in self.operations.items()
        }
        self.exceptions = ClientExceptionsFactory().create_client_exceptions(self.model)

    def pagination(self, operation: str) -> tuple[Any, Any]:
        if self._paginators is None:
            self._paginators = self._session.get_paginator_model(self._service)
        name = self.operations[operation]
        return self._paginators.get_paginator(name), self.model.operation_model(name)


@cache
def _model(service: str) -> _Model:
    return _Model(service)
