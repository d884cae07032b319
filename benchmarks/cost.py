"""What jobs cost on AWS: requests counted on an embedded stack, times list prices. `python -m benchmarks cost`

Writes benchmarks/counted.json and docs/explanation/cost.md; a test keeps the page in step with both tables.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks import prices, report
from chalicelib.assembly import chunks
from chalicelib.settings import SETTINGS
from infra.alarms import alarms

COUNTED = Path(__file__).parent / "counted.json"
TEXT = Path(__file__).parent / "cost_page.md"
PAGE = report.REPOSITORY / "docs" / "explanation" / "cost.md"
METRICS = report.REPOSITORY / "docs" / "metrics.md"
GB, TB = 10**9, 10**12
GIB = 2**30

# Memory in GB as the template has it, and seconds of an invocation. The seconds are assumed, not measured: those of an
# emulator are not Lambda's. `assemble` is held against what a chunk is cut for, its upper bound.
FUNCTIONS: Mapping[str, tuple[float, float]] = {
    "api": (0.5, 0.1),
    "dispatch": (0.25, 0.3),
    "check": (0.5, 0.6),
    "assemble": (1.0, 10.0),
    "notify": (0.5, 0.1),
}
LOG_BYTES = 1_500  # of an invocation: Lambda's own lines and ours; assumed
_DEFAULTS = {setting.field: setting.default for setting in SETTINGS}
STREAM_WAIT, STREAMS = _DEFAULTS["stream_wait_seconds"], _DEFAULTS["stream_max_waiting"]
API_CALLS = 2  # initiate, and one status at the end


@dataclass(frozen=True, slots=True)
class Counted:
    """One job as it was counted. `bytes` is what its files hold together; units are DynamoDB's request units."""

    name: str
    files: int
    bytes: int
    archived: bool
    invocations: Mapping[str, int]
    messages: int
    sqs_calls: int
    write_units: float
    read_units: float
    s3_put: int
    s3_get: int
    secret_calls: int

    def lines(self, architecture: str = "arm64") -> dict[str, float]:
        """Dollars by what they are paid for."""
        second = prices.GB_SECOND[architecture]
        seconds = sum(count * memory * length for count, (memory, length) in self._runs())
        runs = sum(self.invocations.values())
        return {
            "API Gateway": API_CALLS * prices.API_CALL,
            "Lambda": seconds * second + runs * prices.INVOCATION,
            # A message is received and deleted once by the event source, which the emulator does inside itself.
            "SQS": (self.sqs_calls + 2 * self.messages) * prices.SQS_REQUEST,
            "DynamoDB": self.write_units * prices.WRITE_UNIT + self.read_units * prices.READ_UNIT,
            "S3 requests": self.s3_put * prices.S3_PUT + self.s3_get * prices.S3_GET,
            "logs, secret": runs * LOG_BYTES / GB * prices.LOG_GB + self.secret_calls * prices.SECRET_CALL,
        }

    def _runs(self) -> list[tuple[int, tuple[float, float]]]:
        return [(count, FUNCTIONS[name]) for name, count in self.invocations.items()]

    def dollars(self) -> float:
        return sum(self.lines().values())

    def storage(self, days: float = 1.0) -> float:
        """Dollars for keeping the archive."""
        return self.bytes / GB * prices.S3_GB_MONTH * days / prices.DAYS_A_MONTH if self.archived else 0.0


def load() -> list[Counted]:
    return [Counted(**row) for row in json.loads(COUNTED.read_text())]


def save(rows: Sequence[Counted]) -> None:
    COUNTED.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")


def per_terabyte(job: Counted, file_bytes: int, *, read: bool = False) -> float:
    """Dollars of a terabyte in such jobs, were each file `file_bytes` large.

    Requests are per file, not per byte. Workers wait while S3 copies; where the store tells no CRC-32 they `read` all
    of it; both for as long as the planner estimates.
    """
    dollars = TB / (job.files * file_bytes) * job.dollars()
    if job.archived:
        dollars += _waiting(chunks.COPIED_BYTES_PER_SECOND)
    if read:
        dollars += _waiting(chunks.READ_BYTES_PER_SECOND) + TB / chunks.READ_BYTES * prices.S3_GET
    return dollars


def _waiting(bytes_per_second: float) -> float:
    """Dollars of a worker that is busy with a terabyte."""
    memory, _ = FUNCTIONS["assemble"]
    return TB / bytes_per_second * memory * prices.GB_SECOND["arm64"]


def page(rows: Sequence[Counted]) -> str:
    """docs/explanation/cost.md."""
    jobs = [(row.name, f"{1000 * row.dollars():.2f}", f"{1000 * row.storage():.2f}") for row in rows]
    lines = [(name, *(f"{1000 * row.lines()[name]:.3f}" for row in rows)) for name in rows[0].lines()]
    large = [row for row in rows if row.name.startswith("100 files")]
    day = TB / GB * prices.S3_GB_MONTH / prices.DAYS_A_MONTH
    terabyte = [(row.name, f"{per_terabyte(row, GIB):.3f}", f"{day if row.archived else 0:.2f}") for row in large]
    zipped = large[-1]
    terabyte.append((f"{zipped.name}, CRC-32s read", f"{per_terabyte(zipped, GIB, read=True):.3f}", f"{day:.2f}"))
    counted = [
        (
            row.name,
            *map(str, (sum(row.invocations.values()), row.messages, round(row.write_units), round(row.read_units))),
            *map(str, (row.s3_put, row.s3_get)),
        )
        for row in rows
    ]
    tables = {
        "JOBS": report.table(("job", "dollars per 1,000 jobs", "archives kept for a day"), jobs),
        "LINES": report.table(("dollars per 1,000 jobs", *(row.name for row in rows)), lines),
        "TERABYTE": report.table(("job", "dollars per TB", "archives kept for a day"), terabyte),
        "COUNTED": report.table(
            ("one job", "invocations", "messages", "write units", "read units", "S3 PUT…", "S3 GET…"), counted
        ),
    }
    text = TEXT.read_text()
    for name, table in tables.items():
        text = text.replace(f"@{name}@", table)
    for name, value in _standing().items():
        text = text.replace(f"@{name}@", value)
    return text.replace("@TRANSFER@", f"{TB / GB * prices.TRANSFER_OUT_GB:.0f}")


def stream_day(minutes: float = 24 * 60) -> float:
    """Dollars of a reader of event streams who waits all day: each wait is a call, an invocation and twenty reads."""
    memory, _ = FUNCTIONS["api"]
    waits = minutes * 60 / STREAM_WAIT
    a_wait = prices.API_CALL + prices.INVOCATION + 2 * STREAM_WAIT * prices.READ_UNIT + 2 * prices.WRITE_UNIT
    return float(minutes * 60 * memory * prices.GB_SECOND["arm64"] + waits * a_wait)


def _standing() -> dict[str, str]:
    """What the page says of costs by the day and the month."""
    day, month = 24 * 60, 24 * prices.DAYS_A_MONTH
    memory, seconds = FUNCTIONS["api"]
    poll = prices.API_CALL + prices.INVOCATION + memory * seconds * prices.GB_SECOND["arm64"] + prices.READ_UNIT
    metrics = sum(line.startswith("| `") for line in METRICS.read_text().splitlines())
    return {
        "ALARMS": str(len(alarms())),
        "METRICS": f"${metrics * prices.METRIC_MONTH:.2f}",
        "NAT": f"{month * prices.NAT_HOUR:.0f}",
        "ENDPOINT": f"{month * prices.ENDPOINT_HOUR:.0f}",
        "POLLERS": f"{2 * 3 * month * prices.POLLER_HOUR:.0f}",
        "POLL": f"{day * 12 * poll:.2f}",
        "STREAM": f"{stream_day():.2f}",
        "STREAMS": f"{STREAMS * stream_day():.2f}",
        "SOCKET": f"{day * prices.WEBSOCKET_MINUTE + day * 6 * prices.WEBSOCKET_MESSAGE:.2f}",
    }


def main(words: Sequence[str] = ()) -> None:
    """Count anew, write both files. Takes no options."""
    from benchmarks.cost_counting import count_jobs  # only here: the page needs no stack

    rows = count_jobs()
    save(rows)
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(rows))
    print(page(rows))
