"""Chromium, driven by WebDriver (w3.org/TR/webdriver2): what a person would see, and what the page asked for.

with browser(tmp_path) as page:
    page.open("http://127.0.0.1:4566/lorry/docs")
    page.click("#operations-Service-limits button")
    assert page.requests() == [...]
"""

from __future__ import annotations

import base64
import json
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.integration.stack import free_port, wait_for

PATIENCE = 30.0
ARGUMENTS = [
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1280,1600"),
    *("--disable-background-networking", "--disable-component-update", "--no-first-run"),
]
# Names lead here or nowhere: what is not on this machine cannot be loaded.
NAMES = "--host-resolver-rules={here}MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"


@dataclass(frozen=True)
class Request:
    """What the page asked for, and the status that came (None: nothing came)."""

    url: str
    status: int | None


@dataclass(frozen=True)
class Page:
    """One window."""

    http: httpx.Client
    session: str

    def open(self, url: str) -> None:
        self._post("url", {"url": url})

    def texts(self, selector: str) -> list[str]:
        """What is written in the elements of a CSS selector."""
        found: list[str] = self.run(
            f"return [...document.querySelectorAll({json.dumps(selector)})].map(e => e.innerText)"
        )
        return found

    def click(self, selector: str) -> None:
        """Click the first such element as soon as it is there."""
        element = wait_for(f"{selector} to click", lambda: self._element(selector), seconds=PATIENCE)
        self.run("arguments[0].scrollIntoView({block: 'center'})", element)
        self._post(f"element/{next(iter(element.values()))}/click", {})

    def run(self, script: str, *arguments: Any) -> Any:
        return self._post("execute/sync", {"script": script, "args": list(arguments)})

    def complaints(self) -> list[str]:
        """What the browser wrote into its console: violations of policies, failed requests, errors of scripts."""
        return [entry["message"] for entry in self._log("browser") if entry["level"] in ("WARNING", "SEVERE")]

    def requests(self) -> list[Request]:
        """Every request of the page so far; told once."""
        events = [json.loads(entry["message"])["message"] for entry in self._log("performance")]
        statuses = {
            event["params"]["requestId"]: event["params"]["response"]["status"]
            for event in events
            if event["method"] == "Network.responseReceived"
        }
        sent = [event["params"] for event in events if event["method"] == "Network.requestWillBeSent"]
        return [Request(one["request"]["url"], statuses.get(one["requestId"])) for one in sent]

    def picture(self, path: Path) -> None:
        """A screenshot in PNG."""

        path.write_bytes(base64.b64decode(self._get("screenshot")))

    def _element(self, selector: str) -> Any:
        found = self._post("elements", {"using": "css selector", "value": selector})
        return found[0] if found else None

    def _log(self, kind: str) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = self._post("se/log", {"type": kind})
        return entries

    def _post(self, command: str, body: Any) -> Any:
        return _value(self.http.post(f"/session/{self.session}/{command}", json=body))

    def _get(self, command: str) -> Any:
        return _value(self.http.get(f"/session/{self.session}/{command}"))


@contextmanager
def browser(binary: str, driver: str, *, names: Sequence[str] = ()) -> Iterator[Page]:
    """A browser of its own, gone afterwards, for which `names` lead to this machine."""
    port = free_port()
    with (
        tempfile.TemporaryDirectory() as profile,
        subprocess.Popen([driver, f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as http,
    ):
        try:
            wait_for("chromedriver", lambda: _answers(http), seconds=PATIENCE)
            session = _value(http.post("/session", json=_wanted(binary, profile, names)))["sessionId"]
            try:
                yield Page(http, session)
            finally:
                http.delete(f"/session/{session}")
        finally:
            process.terminate()


def _wanted(binary: str, profile: str, names: Sequence[str]) -> dict[str, Any]:
    leading = NAMES.format(here="".join(f"MAP {name} 127.0.0.1, " for name in names))
    options = {"binary": binary, "args": [*ARGUMENTS, leading, f"--user-data-dir={profile}"]}
    logs = {"browser": "ALL", "performance": "ALL"}
    return {"capabilities": {"alwaysMatch": {"goog:chromeOptions": options, "goog:loggingPrefs": logs}}}


def _answers(http: httpx.Client) -> bool:
    try:
        return bool(_value(http.get("/status"))["ready"])
    except httpx.TransportError:
        return False


def _value(answer: httpx.Response) -> Any:
    value = answer.json()["value"]
    assert answer.status_code == 200, value
    return value
