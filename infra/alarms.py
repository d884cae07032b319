"""The alarms of a deployment: one table, from which the template and the test of the runbook are built.

What to do when one goes off stands in docs/operations.md, a row for each kind. A rollout heeds a few of them
(infra/template/rollout.yaml).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.aws.keys import OPEN_JOBS_INDEX, OWNED_JOBS_INDEX

WORK_QUEUES = ("DispatchQueue", "CheckQueue", "AssemblyQueue", "WebhookQueue")
CONSUMED = ("DispatchDeadLetters", "CheckDeadLetters", "AssemblyDeadLetters")  # a function reads them
PARKED = ("UnreadableQueue", "WebhookDeadLetters", "NotifyDeadLetters")  # a person has to
FUNCTIONS = (
    *("APIHandler", "Dispatch", "Check", "Assemble", "DeadLetters", "Sweep", "Notify", "Webhook"),
    *("WebsocketConnect", "WebsocketMessage", "WebsocketDisconnect"),
)


@dataclass(frozen=True, slots=True)
class Alarm:
    """Goes off when `metric` was at least `threshold` in `breaching` of the last `of` periods of `period` seconds.

    With `silence`, when it was less, or was not there at all.
    """

    name: str
    kind: str
    text: str
    metric: str
    dimensions: Mapping[str, Any]
    threshold: Any
    statistic: str = "Sum"
    period: int = 60
    of: int = 1
    breaching: int = 1
    silence: bool = False

    def resource(self) -> dict[str, Any]:
        namespace, name = self.metric.rsplit("/", 1)
        given: list[dict[str, Any]] = [{"Ref": "AlarmTopicArn"}]
        made = {"Fn::If": ["MakesAlarmTopic", [{"Ref": "AlarmTopic"}], {"Ref": "AWS::NoValue"}]}
        actions = {"Fn::If": ["HasAlarmTopicArn", given, made]}
        return {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "AlarmDescription": f"{self.text} What to do: docs/operations.md, alarm {self.kind}.",
                "Namespace": namespace,
                "MetricName": name,
                "Dimensions": [{"Name": key, "Value": value} for key, value in self.dimensions.items()],
                "Statistic": self.statistic,
                "Period": self.period,
                "EvaluationPeriods": self.of,
                "DatapointsToAlarm": self.breaching,
                "Threshold": self.threshold,
                "ComparisonOperator": "LessThanThreshold" if self.silence else "GreaterThanOrEqualToThreshold",
                "TreatMissingData": "breaching" if self.silence else "notBreaching",
                "AlarmActions": actions,
                "OKActions": actions,
            },
        }


def alarms() -> tuple[Alarm, ...]:
    return (*_queues(), *_functions(), *_table(), *_gateways(), *_service())


def alarm_resources() -> dict[str, Any]:
    """Returns what is merged into the template, by logical id."""
    return {alarm.name: alarm.resource() for alarm in alarms()}


def _queues() -> Iterator[Alarm]:
    age, depth = "AWS/SQS/ApproximateAgeOfOldestMessage", "AWS/SQS/ApproximateNumberOfMessagesVisible"
    limit = {"Ref": "AlarmQueueAgeSeconds"}
    for queue in WORK_QUEUES:
        text = f"Messages of {queue} wait too long."
        yield Alarm(f"{queue}AgeAlarm", "QueueAge", text, age, _queue(queue), limit, "Maximum", of=5, breaching=5)
    for queue in CONSUMED:
        text = f"Dead letters wait in {queue}."
        yield Alarm(
            f"{queue}DepthAlarm", "DeadLettersWait", text, depth, _queue(queue), 1, "Maximum", of=5, breaching=5
        )
    for queue in PARKED:
        text = f"Something was parked in {queue}, which only a person reads."
        yield Alarm(f"{queue}DepthAlarm", "Parked", text, depth, _queue(queue), 1, "Maximum")


def _functions() -> Iterator[Alarm]:
    limit = {"Ref": "AlarmFunctionErrors"}
    for name in FUNCTIONS:
        of = _function(name)
        text = f"{name} fails or does not end in time."
        if name == "Sweep":  # once a minute, whatever jobs there are; it shows whether workers start at all
            yield Alarm(f"{name}ErrorsAlarm", "FunctionErrors", text, "AWS/Lambda/Errors", of, 1, of=5, breaching=3)
        else:
            yield Alarm(f"{name}ErrorsAlarm", "FunctionErrors", text, "AWS/Lambda/Errors", of, limit, period=300)
        # Event sources ask again by themselves, so one throttled moment is nothing.
        text = f"{name} is throttled again and again."
        yield Alarm(f"{name}ThrottlesAlarm", "Throttles", text, "AWS/Lambda/Throttles", of, 1, of=5, breaching=3)

    text = "The sweeper does not run, so nothing finds jobs whose messages are lost."
    of = _function("Sweep")
    yield Alarm(
        "SweepSilentAlarm", "SweeperSilent", text, "AWS/Lambda/Invocations", of, 1, of=5, breaching=5, silence=True
    )
    text = "Changes of jobs reach webhooks and WebSockets more than five minutes late."
    of, late = _function("Notify"), 300_000  # milliseconds
    yield Alarm("NotifyAgeAlarm", "StreamAge", text, "AWS/Lambda/IteratorAge", of, late, "Maximum", of=5, breaching=3)


def _table() -> Iterator[Alarm]:
    """The table and its indexes: a throttled index throttles writes to the table."""
    text = "DynamoDB throttles {access}s of {what}."
    indexes = {"": {}, **{name: {"GlobalSecondaryIndexName": name} for name in (OPEN_JOBS_INDEX, OWNED_JOBS_INDEX)}}
    for index, dimension in indexes.items():
        of = {"TableName": {"Ref": "Table"}, **dimension}
        what, name = (f"the index {index}", index.title().replace("_", "")) if index else ("the table", "Table")
        for access in ("Read", "Write"):
            metric, sentence = f"AWS/DynamoDB/{access}ThrottleEvents", text.format(access=access.lower(), what=what)
            yield Alarm(f"{name}{access}ThrottlesAlarm", "TableThrottled", sentence, metric, of, 1, of=5, breaching=3)


def _gateways() -> Iterator[Alarm]:
    api = {"ApiName": {"Ref": "AWS::StackName"}, "Stage": "api"}
    rate = {"Ref": "AlarmErrorRate"}
    text = "Too many of the API's answers are 5xx."
    yield Alarm("ApiErrorsAlarm", "ApiErrors", text, "AWS/ApiGateway/5XXError", api, rate, "Average", of=5, breaching=3)
    # Of a tenth of the callers the alarm above sees too little. AWS counts a version by itself while an alias moves.
    version = {
        "FunctionName": {"Ref": "APIHandler"},
        "Resource": {"Fn::Sub": "${APIHandler}:live"},
        "ExecutedVersion": {"Fn::GetAtt": ["APIHandler.Version", "Version"]},
    }
    text = "The new version of the API fails or does not end in time in half of its calls."
    metric = "AWS/Lambda/Errors"
    yield Alarm("NewVersionErrorsAlarm", "NewVersionErrors", text, metric, version, 0.5, "Average", of=5, breaching=3)
    websocket = {"ApiId": {"Ref": "WebsocketAPI"}, "Stage": "api"}
    text = "The WebSocket API cannot call its functions, or they fail."
    for metric in ("IntegrationError", "ExecutionError"):
        name = f"Websocket{metric}sAlarm"
        yield Alarm(name, "WebsocketErrors", text, f"AWS/ApiGateway/{metric}", websocket, 1, of=5, breaching=3)


def _service() -> Iterator[Alarm]:
    stage = {"service": "lorry", "stage": {"Ref": "Stage"}}
    text = "A message gave up, so a job failed."
    yield Alarm("GaveUpAlarm", "GaveUp", text, "Lorry/MessagesGivenUp", stage, 1, period=300)
    text = "Messages come to their dead-letter queues before workers had them as often as they may."
    yield Alarm("SentAgainAlarm", "SentAgain", text, "Lorry/MessagesSentAgain", stage, 1, period=300)
    text = "A job makes no progress though it was restarted, or it timed out."
    # Such a job is looked at ever more seldom, so the period is long.
    yield Alarm("JobsStuckAlarm", "JobsStuck", text, "Lorry/JobsStuck", stage, 1, period=3600)
    text = "Messages to open WebSockets cannot be pushed."
    yield Alarm("PushesFailedAlarm", "PushesFailed", text, "Lorry/PushesFailed", stage, 1, of=5, breaching=3)


def _queue(name: str) -> dict[str, Any]:
    return {"QueueName": {"Fn::GetAtt": [name, "QueueName"]}}


def _function(name: str) -> dict[str, Any]:
    return {"FunctionName": {"Ref": name}}
