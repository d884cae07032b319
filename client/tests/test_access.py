"""Where the service is looked for; which servers receive tokens and headers, and where these are never shown."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from support.fake_server import JOB_ID, FakeServer, Fault

from lorry import (
    Lorry,
    LorryError,
    LorryProblem,
    LorryUnreachable,
    RetryPolicy,
    ServiceAddressUnknown,
    TokenUnavailable,
    UnexpectedAnswer,
)
from lorry.access import TokenAuth, find_service, token_of
from lorry.config import Profile

KEY = "downloads/70000.zip"
SECRET = "s3cr3t-t0k3n"


class Issuer:
    """Returns one token after the other."""

    def __init__(self, *tokens: str) -> None:
        self._tokens: Iterator[str] = iter(tokens)
        self.asked = 0

    def __call__(self) -> str:
        self.asked += 1
        return next(self._tokens)


@pytest.fixture
def job(service: FakeServer) -> str:
    service.put(KEY, b"data")
    return service.make_job([KEY])


def sent(service: FakeServer, path: str, header: str = "Authorization") -> list[str | None]:
    return [seen.headers.get(header) for seen in service.requests(path)]


def test_a_token_is_sent_with_every_request_to_the_service_and_with_none_to_the_store(
    service: FakeServer, job: str, tmp_path: Path
) -> None:
    service.tokens = {SECRET}
    service.faults = [Fault("/store/", 403)]
    with Lorry(service.url, token=SECRET, headers={"X-Team": "blue"}) as lorry:
        lorry.wait(job)
        lorry.download(job, tmp_path)
    assert set(sent(service, "/v1/")) == {f"Bearer {SECRET}"}
    assert set(sent(service, "/v1/", "X-Team")) == {"blue"}
    assert len(service.requests("/store/")) == 2
    assert set(sent(service, "/store/")) == set(sent(service, "/store/", "X-Team")) == {None}


def test_without_a_token_none_is_sent(lorry: Lorry, service: FakeServer, job: str) -> None:
    lorry.status(job)
    assert sent(service, "status") == [None]


def test_a_refused_token_is_replaced_once(service: FakeServer, job: str) -> None:
    service.tokens = {"second"}
    issuer = Issuer("first", "second", "third", "fourth")
    with Lorry(service.url, token=issuer) as lorry:
        assert lorry.status(job).ready
        assert lorry.status(job).ready
        assert (issuer.asked, sent(service, "status")) == (2, ["Bearer first", "Bearer second", "Bearer second"])
        service.tokens = set()
        with pytest.raises(LorryProblem, match="401 unauthenticated") as raised:
            lorry.status(job)
    assert (raised.value.status, raised.value.retryable, issuer.asked) == (401, False, 3)
    assert sent(service, "status")[3:] == ["Bearer second", "Bearer third"]


def test_a_request_keeps_its_key_and_body_when_the_token_is_replaced(service: FakeServer) -> None:
    service.tokens = {"second"}
    with Lorry(service.url, token=Issuer("first", "second")) as lorry:
        lorry.start(file_ids=[70000])
    refused, accepted = service.requests("initiate", "POST")
    assert refused.body == accepted.body == {"file_ids": [70000]}
    assert refused.headers["Idempotency-Key"] == accepted.headers["Idempotency-Key"]


@pytest.mark.parametrize("token", [SECRET, lambda: SECRET])
def test_a_token_that_stays_the_same_is_not_sent_again(
    service: FakeServer, job: str, token: str | Callable[[], str]
) -> None:
    service.tokens = set()
    with Lorry(service.url, token=token) as lorry, pytest.raises(LorryProblem, match="401"):
        lorry.status(job)
    assert len(service.requests("status")) == 1


def test_threads_whose_token_is_refused_share_the_next_one(service: FakeServer, job: str) -> None:
    service.tokens = {"second"}
    issuer = Issuer("first", "second")
    with Lorry(service.url, token=issuer) as lorry:
        threads = [threading.Thread(target=lorry.status, args=(job,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert issuer.asked == 2
    assert sent(service, "status").count("Bearer second") == 8


@pytest.mark.parametrize(
    "url",
    ["http://example.org/", "https://api.example.org/", "https://example.org:8443/", "https://example.org.evil.test/"],
)
def test_a_token_is_for_one_origin(url: str) -> None:
    auth = TokenAuth(SECRET, httpx.URL("https://example.org/lorry"))
    assert "Authorization" not in next(auth.auth_flow(httpx.Request("GET", url))).headers
    own = httpx.Request("GET", "https://example.org:443/elsewhere")
    assert next(auth.auth_flow(own)).headers["Authorization"] == f"Bearer {SECRET}"


def test_a_redirect_of_the_service_is_not_followed_with_a_token(service: FakeServer, job: str) -> None:
    service.faults = [Fault("/lorry/", 307, {"Location": "/elsewhere"})]
    with (
        Lorry(service.url, token=SECRET) as lorry,
        pytest.raises(UnexpectedAnswer, match=r"307 .*, a redirect to /elsewhere"),
    ):
        lorry.status(job)
    assert [seen.path for seen in service.seen] == [f"/lorry/v1/download/status/{JOB_ID}"]


def test_secrets_are_in_no_error_repr_or_log(service: FakeServer, job: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    service.tokens = set()
    service.faults = [Fault("/lorry/", 503), Fault("/lorry/", 0)]
    policy = RetryPolicy(first=0.01)
    with Lorry(service.url, token=SECRET, headers={"X-Api-Key": SECRET}, retries=policy) as lorry:
        with pytest.raises(LorryProblem) as refused:
            lorry.status(job)
        service.faults = [Fault("/lorry/", 0, times=9)]
        with pytest.raises(LorryUnreachable) as unreachable:
            lorry.check(70000)
        shown = [repr(lorry), repr(vars(lorry)), *(repr(error.value) for error in (refused, unreachable))]
    assert "trying again" in caplog.text
    assert not [text for text in [*shown, caplog.text] if SECRET in text]


@pytest.mark.parametrize("token", ["", " ", f"{SECRET} x", f"{SECRET}\r\nX-Evil: 1", f"{SECRET}ü"])
def test_a_token_that_cannot_be_sent_is_refused_and_not_shown(service: FakeServer, token: str) -> None:
    with pytest.raises(TokenUnavailable) as given:
        Lorry(service.url, token=token)
    with Lorry(service.url, token=lambda: token) as lorry, pytest.raises(TokenUnavailable) as asked:
        lorry.check(70000)
    assert SECRET not in str(given.value) + str(asked.value)
    assert service.seen == []


def test_a_failing_token_function_is_reported_without_its_message(service: FakeServer) -> None:
    def fail() -> str:
        raise httpx.ConnectError(f"refused by https://issuer.example.org/?client_secret={SECRET}")

    with Lorry(service.url, token=fail) as lorry, pytest.raises(TokenUnavailable, match="ConnectError") as raised:
        lorry.check(70000)
    error: LorryError = raised.value
    assert (error.code, error.status, error.retryable, SECRET in str(error)) == (
        "token_unavailable",
        None,
        False,
        False,
    )


@pytest.mark.parametrize(
    ("headers", "complaint"),
    [
        ({"X Team": SECRET}, "is not a header name"),
        ({"X-Team": f"{SECRET}\r\nX-Evil: 1"}, "header X-Team is empty or has"),
        ({"X-Team": ""}, "header X-Team is empty or has"),
        ({"Host": SECRET}, "cannot be set by callers"),
        ({"authorization": SECRET}, "either a token or an Authorization header"),
    ],
)
def test_headers_that_cannot_be_sent_are_refused_without_their_values(
    service: FakeServer, headers: dict[str, str], complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint) as raised:
        Lorry(service.url, token=SECRET, headers=headers)
    assert SECRET not in str(raised.value)


def test_callers_may_send_their_own_authorization(service: FakeServer, job: str) -> None:
    with Lorry(service.url, headers={"Authorization": "Basic eHg6eQ=="}) as lorry:
        lorry.status(job)
    assert sent(service, "status") == ["Basic eHg6eQ=="]


def test_a_malformed_url_is_refused_at_once() -> None:
    with pytest.raises(ServiceAddressUnknown, match="not an http"):
        Lorry("ftp://example.org")


def test_the_service_is_the_given_one_or_that_of_the_environment_or_of_outputs_json(tmp_path: Path) -> None:
    (tmp_path / ".lorry").mkdir()
    (tmp_path / ".lorry" / "outputs.json").write_text('{"ApiUrl": "http://local"}')
    environment = {"LORRY_API_URL": "http://environment"}
    assert find_service("http://given", profile=Profile(), environment=environment, folder=tmp_path) == "http://given"
    assert find_service(None, profile=Profile(), environment=environment, folder=tmp_path) == "http://environment"
    assert find_service(None, profile=Profile(), environment={}, folder=tmp_path) == "http://local"
    home = {"LORRY_HOME": str(tmp_path / ".lorry")}
    assert find_service(None, profile=Profile(), environment=home, folder=Path("/")) == "http://local"


@pytest.mark.parametrize(("content", "reason"), [(None, "does not exist"), ("[]", "has no ApiUrl"), ("{", "ApiUrl")])
def test_an_address_that_is_not_found_says_where_it_was_looked_for(
    tmp_path: Path, content: str | None, reason: str
) -> None:
    if content is not None:
        (tmp_path / "outputs.json").write_text(content)
    with pytest.raises(ServiceAddressUnknown, match=reason) as raised:
        find_service(None, profile=Profile(), environment={"LORRY_HOME": str(tmp_path)}, folder=Path("/"))
    assert str(tmp_path / "outputs.json") in str(raised.value)


def test_a_profile_names_the_service_and_comes_before_the_environment_if_it_was_named(tmp_path: Path) -> None:
    settings = {"api": "http://profile"}
    environment = {"LORRY_API_URL": "http://environment"}
    default, named = Profile(settings=settings), Profile("test", settings, explicit=True)
    assert find_service(None, profile=default, environment={}, folder=tmp_path) == "http://profile"
    assert find_service(None, profile=default, environment=environment, folder=tmp_path) == "http://environment"
    assert find_service(None, profile=named, environment=environment, folder=tmp_path) == "http://profile"
    assert find_service("http://given", profile=named, environment=environment, folder=tmp_path) == "http://given"


def test_the_token_of_a_profile_is_for_its_service_unless_the_profile_was_named(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{SECRET}\n")
    settings = {"api": "http://profile", "token-file": str(tmp_path / "token")}
    token = token_of(Profile(settings=settings), "http://profile")
    assert callable(token)
    assert token() == SECRET
    assert token_of(Profile(settings=settings), "http://elsewhere") is None
    assert token_of(Profile(), "http://profile") is None
    assert token_of(Profile("test", settings, explicit=True), "http://elsewhere") is not None
