"""Alarms: every queue and function is watched, alarms reach an operator, and the runbook says what to do."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib.observability import count, metrics
from infra.alarms import alarms
from infra.dependencies import REPOSITORY
from tests.infra.conftest import Template

RUNBOOK = (REPOSITORY / "docs" / "operations.md").read_text()


@pytest.fixture
def made(resources: dict[str, Template]) -> dict[str, Template]:
    return {name: found["Properties"] for name, found in resources.items() if found["Type"] == "AWS::CloudWatch::Alarm"}


def watched(made: dict[str, Template], metric: str) -> dict[str, Template]:
    """Alarms on one metric, by the logical id of what they watch."""
    found = {}
    for alarm in made.values():
        if alarm["MetricName"] == metric and len(alarm["Dimensions"]) == 1:
            (dimension,) = alarm["Dimensions"]
            found[next(iter(as_reference(dimension["Value"])))] = alarm
    return found


def as_reference(value: Any) -> set[str]:
    return {value["Ref"]} if "Ref" in value else {value["Fn::GetAtt"][0]}


def test_every_alarm_of_the_table_is_in_the_template(made: dict[str, Template]) -> None:
    assert made.keys() == {alarm.name for alarm in alarms()}


def test_the_age_of_every_work_queue_is_watched(resources: dict[str, Template], made: dict[str, Template]) -> None:
    functions = [found for found in resources.values() if found["Type"] == "AWS::Serverless::Function"]
    events = [event for found in functions for event in found["Properties"].get("Events", {}).values()]
    read = {event["Properties"]["Queue"]["Fn::GetAtt"][0] for event in events if event["Type"] == "SQS"}
    dead = {name for name in read if name.endswith("DeadLetters")}
    assert watched(made, "ApproximateAgeOfOldestMessage").keys() == read - dead


def test_the_depth_of_every_queue_of_dead_letters_is_watched(
    resources: dict[str, Template], made: dict[str, Template]
) -> None:
    queues = {name for name, found in resources.items() if found["Type"] == "AWS::SQS::Queue"}
    aged = watched(made, "ApproximateAgeOfOldestMessage").keys()
    assert watched(made, "ApproximateNumberOfMessagesVisible").keys() == queues - aged


@pytest.mark.parametrize("metric", ["Errors", "Throttles"])
def test_every_function_is_watched(resources: dict[str, Template], made: dict[str, Template], metric: str) -> None:
    functions = {name for name, found in resources.items() if found["Type"] == "AWS::Serverless::Function"}
    assert watched(made, metric).keys() == functions


def test_the_api_is_watched_by_its_name_and_stage(resources: dict[str, Template], made: dict[str, Template]) -> None:
    api = resources["RestAPI"]["Properties"]
    dimensions = {found["Name"]: found["Value"] for found in made["ApiErrorsAlarm"]["Dimensions"]}
    assert dimensions == {"ApiName": api["Name"], "Stage": api["StageName"]}
    assert made["ApiErrorsAlarm"]["Statistic"] == "Average"  # the average of 5XXError is the share of such answers


@pytest.mark.parametrize("name", ["JobsStuck", "PushesFailed"])
def test_what_the_code_counts_has_the_names_that_its_alarm_looks_for(
    made: dict[str, Template], capsys: pytest.CaptureFixture[str], name: str
) -> None:
    metrics.clear_metrics()
    count(name)
    metrics.flush_metrics()
    line = json.loads(capsys.readouterr().out)
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    alarm = made[f"{name}Alarm"]
    assert (alarm["MetricName"], line[name]) == (name, [1.0])
    assert directive["Namespace"] == alarm["Namespace"]
    assert {found["Name"] for found in alarm["Dimensions"]} == set(directive["Dimensions"][0])
    assert {"Name": "service", "Value": line["service"]} in alarm["Dimensions"]


def test_the_table_and_each_of_its_indexes_are_watched_for_throttling(
    resources: dict[str, Template], made: dict[str, Template]
) -> None:
    indexes = {index["IndexName"] for index in resources["Table"]["Properties"]["GlobalSecondaryIndexes"]}
    for metric in ("ReadThrottleEvents", "WriteThrottleEvents"):
        found = [alarm["Dimensions"] for alarm in made.values() if alarm["MetricName"] == metric]
        dimensions = [{one["Name"]: one["Value"] for one in of} for of in found]
        assert {of.get("GlobalSecondaryIndexName") for of in dimensions} == {None, *indexes}
        assert all(of["TableName"] == {"Ref": "Table"} for of in dimensions)


def test_the_stream_is_watched_before_its_records_are_lost(
    resources: dict[str, Template], made: dict[str, Template]
) -> None:
    (source,) = resources["Notify"]["Properties"]["Events"].values()
    alarm = watched(made, "IteratorAge")["Notify"]
    assert alarm["Threshold"] / 1000 < source["Properties"]["MaximumRecordAgeInSeconds"] / 100


def test_a_sweeper_that_does_not_run_at_all_is_noticed(made: dict[str, Template]) -> None:
    alarm = watched(made, "Invocations")["Sweep"]
    assert (alarm["ComparisonOperator"], alarm["Threshold"], alarm["Statistic"]) == ("LessThanThreshold", 1, "Sum")
    assert alarm["TreatMissingData"] == "breaching"  # a function that is not called has no data


def test_the_websocket_api_is_watched_by_its_id_and_stage(
    resources: dict[str, Template], made: dict[str, Template]
) -> None:
    stage = resources["WebsocketAPIStage"]["Properties"]["StageName"]
    for metric in ("IntegrationError", "ExecutionError"):
        (alarm,) = [found for found in made.values() if found["MetricName"] == metric]
        dimensions = {one["Name"]: one["Value"] for one in alarm["Dimensions"]}
        assert dimensions == {"ApiId": {"Ref": "WebsocketAPI"}, "Stage": stage}


def test_silence_is_no_alarm_but_the_sweepers_and_an_end_is_reported_too(made: dict[str, Template]) -> None:
    for name, alarm in made.items():
        assert (alarm["TreatMissingData"] == "breaching") == (name == "SweepSilentAlarm")
        assert alarm["OKActions"] == alarm["AlarmActions"]
        assert alarm["DatapointsToAlarm"] <= alarm["EvaluationPeriods"]


def test_alarms_go_to_a_given_topic_or_to_one_for_an_address_or_to_nobody(
    template: Template, made: dict[str, Template]
) -> None:
    actions = made["GaveUpAlarm"]["AlarmActions"]
    assert actions["Fn::If"][:2] == ["HasAlarmTopicArn", [{"Ref": "AlarmTopicArn"}]]
    assert actions["Fn::If"][2]["Fn::If"] == ["MakesAlarmTopic", [{"Ref": "AlarmTopic"}], {"Ref": "AWS::NoValue"}]
    assert template["Resources"]["AlarmTopic"]["Condition"] == "MakesAlarmTopic"
    assert template["Parameters"]["AlarmEmail"]["Default"] == template["Parameters"]["AlarmTopicArn"]["Default"] == ""


def test_the_runbook_has_a_row_for_every_kind_of_alarm() -> None:
    for kind in {alarm.kind for alarm in alarms()}:
        assert f"| `{kind}` |" in RUNBOOK, kind
