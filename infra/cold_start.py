"""Measures what each function costs before its first call: `python -m infra.cold_start`.

The yardstick is `import chalice, boto3`, and with it the creation of one DynamoDB client, measured in the same run. The
figures are CPU times, the least of several processes; a function that seems too slow is measured again before it fails.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping

from chalicelib.cold_start import FIRST_CALLS
from chalicelib.settings import SETTINGS

ALLOWED = 1.3  # times the yardstick
ROUNDS, MORE_ROUNDS = 3, 20
YARDSTICK = "import chalice, boto3"
YARDSTICK_READY = f"{YARDSTICK}; boto3.client('dynamodb', region_name='us-east-1')"
READY = "import app; from chalicelib.cold_start import prepare; prepare({function!r})"
LOADED = f"{READY}; import sys; print(*(name for name in sys.modules if name.startswith('chalicelib')), sep=', ')"


def main() -> int:
    """Prints one line a function. Returns 1 if one of them costs too much."""
    with tempfile.TemporaryDirectory() as bytecode:
        processes = Processes(bytecode)
        processes.output(YARDSTICK_READY)  # this and the next line also compile what is measured
        imports = {name: f"import app, {processes.output(LOADED.format(function=name))}" for name in functions()}
        found = measured(processes, imports, rounds=ROUNDS)
        slow = {name: imports[name] for name, ratios in found.items() if max(ratios) > ALLOWED}
        if slow:
            found |= measured(processes, slow, rounds=MORE_ROUNDS)
    for name, (importing, ready) in found.items():
        print(f"{name:20s} imported at {importing:.2f}, ready at {ready:.2f} times chalice and boto3")
    failed = [name for name, ratios in found.items() if max(ratios) > ALLOWED]
    if failed:
        print(f"slow to start: {', '.join(failed)}; `python -X importtime -c 'import ...'` shows why", file=sys.stderr)
    return 1 if failed else 0


def functions() -> list[str]:
    """One function of each group that needs the same."""
    return list({needs: function for function, needs in FIRST_CALLS.items()}.values())


def measured(processes: Processes, imports: Mapping[str, str], *, rounds: int) -> dict[str, tuple[float, float]]:
    """By function: its imports over those of the yardstick, and the same with what the first call needs."""
    ready = {name: READY.format(function=name) for name in imports}
    yardsticks = (YARDSTICK, YARDSTICK_READY)
    # Each runs as often as the others: the least of more processes is less on a noisy machine.
    times = processes.cpu_times((*yardsticks, *imports.values(), *ready.values()) * rounds)
    return {
        name: (times[imports[name]] / times[YARDSTICK], times[ready[name]] / times[YARDSTICK_READY]) for name in imports
    }


class Processes:
    """Runs code in processes that share compiled modules in the folder `bytecode`."""

    def __init__(self, bytecode: str) -> None:
        self._environment = {**_environment(), "PYTHONPYCACHEPREFIX": bytecode}

    def output(self, code: str) -> str:
        """What the code prints."""
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, env=self._environment, check=True, text=True, stdout=subprocess.PIPE)
        return done.stdout.strip()

    def cpu_times(self, codes: Iterable[str]) -> dict[str, float]:
        """The least CPU time of each, in seconds."""
        least: dict[str, float] = {}
        for code in codes:
            least[code] = min(self._cpu_time(code), least.get(code, float("inf")))
        return least

    def _cpu_time(self, code: str) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.output(code)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _environment() -> dict[str, str]:
    """This process's, with settings and credentials of nothing that exists."""
    usual = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    settings = {setting.name: "http://127.0.0.1/x" for setting in SETTINGS if setting.required}
    keys = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "x")
    role = "arn:aws:iam::000000000000:role/links"
    regions = dict.fromkeys(("AWS_REGION", "S3_REGION"), "us-east-1")  # as `make deploy` sets them
    return {**usual, **settings, **keys, **regions, "ALLOW_ANONYMOUS": "true", "LINK_ROLE_ARN": role}


if __name__ == "__main__":
    sys.exit(main())
