"""What jobs cost: requests are counted as AWS bills them, and the page says what the figures come to."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from benchmarks import prices
from benchmarks.cost import FUNCTIONS, GIB, PAGE, Counted, load, page, per_terabyte
from benchmarks.counting import Relay, Tally, read_units, s3_class, written
from tests.infra.conftest import Template

JOB, BATCH = {"pk": {"S": "JOB#1"}, "sk": {"S": "JOB"}}, {"pk": {"S": "JOB#1"}, "sk": {"S": "BATCH#1"}}
ONE = Counted("one", 1, 0, False, {}, 0, 0, 0, 0, 0, 0, 0)


def with_(**changes: Any) -> Counted:
    fields = {name: getattr(ONE, name) for name in Counted.__dataclass_fields__}
    return Counted(**{**fields, **changes})


@pytest.mark.parametrize(
    ("method", "query", "price"),
    [
        ("HEAD", {}, "get"),
        ("GET", {"partNumber": ["1"]}, "get"),
        ("GET", {"list-type": ["2"]}, "put"),
        ("GET", {"uploads": [""]}, "put"),
        ("PUT", {}, "put"),
        ("POST", {"uploads": [""]}, "put"),
        ("DELETE", {}, "free"),
    ],
)
def test_requests_to_the_store_have_the_price_of_their_class(method: str, query: dict[str, Any], price: str) -> None:
    assert s3_class(method, query) == price


def test_items_of_a_batch_are_rounded_up_one_by_one_and_those_not_there_are_a_unit_each() -> None:
    asked = {"RequestItems": {"jobs": {"Keys": [{}] * 4, "ConsistentRead": True}}}
    assert read_units(asked, 99, [100, 4_097, 4_096]) == 1 + 2 + 1 + 1
    assert read_units({"RequestItems": {"jobs": {"Keys": [{}] * 4}}}, 99, [100, 4_097, 4_096]) == 2.5


def test_writes_are_found_in_every_kind_of_request_and_count_double_in_a_transaction() -> None:
    batch = {"RequestItems": {"table": [{"PutRequest": {"Item": BATCH}}, {"DeleteRequest": {"Key": JOB}}]}}
    transaction = {"TransactItems": [{"Update": {"Key": JOB}}, {"ConditionCheck": {"Key": BATCH}}]}
    found = [list(written(*asked)) for asked in (("PutItem", {"Item": JOB}), ("BatchWriteItem", batch))]
    assert [[factor for _, _, factor in writes] for writes in found] == [[1], [1, 1]]
    assert list(written("TransactWriteItems", transaction)) == [
        (("JOB#1", "JOB"), None, 2),
        (("JOB#1", "BATCH#1"), None, 2),
    ]
    assert not list(written("Query", {}))


def test_units_go_by_the_size_of_the_item_and_a_jobs_row_counts_once_more_for_its_index() -> None:
    tally = Tally()
    tally.add("dynamodb", "UpdateItem", {"Key": BATCH}, 0)
    assert tally.write_units({("JOB#1", "BATCH#1"): 2_049}) == 3
    tally.add("dynamodb", "UpdateItem", {"Key": JOB}, 0)
    assert tally.write_units({("JOB#1", "BATCH#1"): 2_049}) == 3 + 2
    assert tally.job_changes() == 1


def test_reads_count_by_four_kibibytes_and_half_where_they_may_be_stale() -> None:
    assert read_units({"ConsistentRead": True}, 4_097) == 2
    assert read_units({}, 10) == 0.5


def test_messages_are_counted_one_by_one_for_each_queue() -> None:
    tally = Tally()
    tally.add("sqs", "SendMessageBatch", {"QueueUrl": "http://x/1/check", "Entries": [{}, {}, {}]}, 0)
    tally.add("sqs", "SendMessage", {"QueueUrl": "http://x/1/check"}, 0)
    assert tally.counts == {"sqs:SendMessageBatch": 1, "sqs:SendMessage": 1, "messages:check": 4}


def test_a_dollar_is_where_the_price_list_puts_it() -> None:
    million = 1_000_000
    assert with_(s3_put=million).lines()["S3 requests"] == pytest.approx(5.0)
    assert with_(s3_get=million).lines()["S3 requests"] == pytest.approx(0.4)
    assert with_(write_units=million).lines()["DynamoDB"] == pytest.approx(0.625)
    assert with_(read_units=million).lines()["DynamoDB"] == pytest.approx(0.125)
    assert with_(sqs_calls=million).lines()["SQS"] == pytest.approx(0.4)
    assert with_(messages=million).lines()["SQS"] == pytest.approx(0.8)  # received and deleted
    assert ONE.lines()["API Gateway"] == pytest.approx(2 * 3.5 / million)
    memory, seconds = FUNCTIONS["check"]
    ran = with_(invocations={"check": 1}).lines()["Lambda"]
    assert ran == pytest.approx(memory * seconds * 0.0000133334 + 0.2 / million)


def test_only_an_archive_is_kept() -> None:
    assert with_(bytes=30 * 10**9).storage() == 0
    assert with_(bytes=30 * 10**9, archived=True).storage(days=1) == pytest.approx(prices.S3_GB_MONTH)


def test_larger_files_make_a_terabyte_cheaper_and_reading_them_makes_it_dearer() -> None:
    (zipped,) = [job for job in load() if job.name == "100 files of 8 MiB, ZIP"]
    assert per_terabyte(zipped, 2 * GIB) < per_terabyte(zipped, GIB) < per_terabyte(zipped, GIB, read=True)


def test_the_functions_have_the_memory_that_is_paid_for(resources: dict[str, Template]) -> None:
    names = {"api": "APIHandler", **{name: name.capitalize() for name in FUNCTIONS if name != "api"}}
    for name, (memory, _) in FUNCTIONS.items():
        assert resources[names[name]]["Properties"]["MemorySize"] == memory * 1024, name


def test_the_page_is_what_the_counts_and_prices_come_to() -> None:
    assert PAGE.read_text() == page(load()), "run `make bench ARGS=cost`"


def test_a_thousand_files_are_asked_for_one_by_one_and_written_together() -> None:
    (job,) = [job for job in load() if job.name == "1,000 files"]
    containers = range(10)  # each asks once for the bucket's region
    assert (job.s3_get - 1000 in containers, job.s3_put) == (True, 0)
    assert job.write_units < 1000


class Store(BaseHTTPRequestHandler):
    """Answers every request with its own body."""

    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Content-Length", "7" if self.command == "HEAD" else str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_PUT = do_HEAD = do_POST = _answer  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def relay() -> Iterator[Relay]:
    store = HTTPServer(("127.0.0.1", 0), Store)
    threading.Thread(target=store.serve_forever, daemon=True).start()
    with Relay() as made:
        made.target = ("127.0.0.1", store.server_address[1])
        yield made
    store.shutdown()
    store.server_close()


def ask(
    relay: Relay, method: str, body: bytes, service: str, *, path: str = "/bucket/key", **headers: str
) -> tuple[bytes, str | None]:
    connection = http.client.HTTPConnection("127.0.0.1", relay.server_address[1])
    signed = f"AWS4-HMAC-SHA256 Credential=test/20261101/us-east-1/{service}/aws4_request, SignedHeaders=host"
    connection.request(method, path, body, {"Authorization": signed, **headers})
    answer = connection.getresponse()
    got = answer.read(), answer.getheader("Content-Length")
    connection.close()
    return got


def test_the_relay_passes_requests_on_and_counts_them(relay: Relay) -> None:
    assert ask(relay, "PUT", b"content", "s3") == (b"content", "7")
    assert ask(relay, "HEAD", b"", "s3") == (b"", "7")  # the object's length, not the answer's
    target = {"X-Amz-Target": "DynamoDB_20120810.UpdateItem"}
    assert ask(relay, "POST", json.dumps({"Key": JOB}).encode(), "dynamodb", **target)
    signed = "/bucket/key?X-Amz-Credential=test%2F20261101%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Signature=0"
    assert ask(relay, "HEAD", b"", "", path=signed, Authorization="") == (b"", "7")  # as small files are read
    assert relay.tally.counts == {"s3:put": 1, "s3:get": 2, "dynamodb:UpdateItem": 1}
    assert relay.tally.job_changes() == 1
