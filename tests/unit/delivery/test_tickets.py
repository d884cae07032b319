"""Tickets open one job for a short time, and cannot be forged."""

from __future__ import annotations

import string
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.delivery.tickets import TicketSigner
from chalicelib.errors import SecretUnavailable
from chalicelib.limits import MAX_TICKET_CHARACTERS
from tests.support.fakes import Clock

ONE, OTHER = "6f6b0f9e-0000-4000-8000-000000000001", "6f6b0f9e-0000-4000-8000-000000000002"
TTL = 900
START = 1_700_000_100_000  # a step of half a life begins
ALPHABET = string.ascii_letters + string.digits + "-_.=+/ "


@dataclass
class Signing:
    clock: Clock = field(default_factory=lambda: Clock(START))
    keys: tuple[bytes, ...] = (b"current",)
    ttl: int = TTL

    @property
    def signer(self) -> TicketSigner:
        return TicketSigner(lambda: self.keys, self.clock, self.ttl)

    def issue(self, job_id: str = ONE) -> str:
        return self.signer.issue(job_id)

    def accepts(self, ticket: str, job_id: str = ONE) -> bool:
        return self.signer.accepts(ticket, job_id)


@pytest.fixture
def here() -> Signing:
    return Signing()


def end_of(ticket: str) -> int:
    return int(ticket.partition(".")[0])


def test_a_ticket_opens_its_job_and_no_other(here: Signing) -> None:
    ticket = here.issue()
    assert here.accepts(ticket)
    assert not here.accepts(ticket, OTHER)


def test_a_ticket_ends_to_the_millisecond(here: Signing) -> None:
    ticket = here.issue()
    here.clock.now = end_of(ticket) - 1
    assert here.accepts(ticket)
    here.clock.now = end_of(ticket)
    assert not here.accepts(ticket)


@given(now=st.integers(0, 2**43), ttl=st.integers(60, 3_600))
def test_a_new_ticket_has_between_half_and_all_of_its_life_before_it(now: int, ttl: int) -> None:
    here = Signing(clock=Clock(now), ttl=ttl)
    ticket = here.issue()
    assert ttl * 500 < end_of(ticket) - now <= ttl * 1000
    assert here.accepts(ticket)


def test_the_same_question_gets_the_same_answer_for_half_a_life(here: Signing) -> None:
    first = here.issue()
    here.clock.now = START + TTL * 500 - 1
    assert here.issue() == first
    here.clock.now += 1
    assert here.issue() != first
    assert here.accepts(first)


def test_no_character_of_a_ticket_may_be_changed(here: Signing) -> None:
    ticket = here.issue()
    for place, right in enumerate(ticket):
        for wrong in ALPHABET.replace(right, ""):
            assert not here.accepts(ticket[:place] + wrong + ticket[place + 1 :]), (place, wrong)


def test_nothing_may_be_added_to_a_ticket_or_taken_away(here: Signing) -> None:
    ticket = here.issue()
    for place in range(len(ticket) + 1):
        for more in ALPHABET:
            assert not here.accepts(ticket[:place] + more + ticket[place:]), (place, more)
        if place < len(ticket):
            assert not here.accepts(ticket[:place] + ticket[place + 1 :]), place


def test_the_expiry_of_a_ticket_cannot_be_extended(here: Signing) -> None:
    end, _, signature = here.issue().partition(".")
    assert not here.accepts(f"{int(end) + 1}.{signature}")


MADE_UP = {
    "nothing": "",
    "a dot": ".",
    "an end alone": f"{START + 1}",
    "no signature": f"{START + 1}.",
    "no end": ".c2ln",
    "a negative end": "-1.c2ln",
    "an end with a sign": f"+{START + 1}.c2ln",
    "an end that is no number": "soon.c2ln",
    "an end in other digits": "١٧٠٠٠٠٠٠٠٠٠٠٠٩.c2ln",
    "a superscript end": "²²²²²²²²²²²²².c2ln",
    "an end of many digits": "9" * 5_000 + ".c2ln",
    "a signature of letters beyond ASCII": f"{START + 1}.ünïcödé",
    "a lone surrogate": f"{START + 1}.\udc80",
    "a zero byte": f"{START + 1}.\0",
}


@pytest.mark.parametrize("ticket", MADE_UP.values(), ids=MADE_UP.keys())
def test_an_invented_text_is_not_a_ticket(here: Signing, ticket: str) -> None:
    assert not here.accepts(ticket)


@given(ticket=st.text(st.characters(codec=None, categories=None)))
def test_no_text_is_a_ticket_or_raises(ticket: str) -> None:
    assert not Signing().accepts(ticket)


def test_a_ticket_of_another_key_is_refused(here: Signing) -> None:
    ticket = Signing(keys=(b"other",)).issue()
    assert not here.accepts(ticket)


def test_tickets_of_the_previous_key_are_valid_during_a_rotation(here: Signing) -> None:
    ticket = here.issue()
    here.keys = (b"next", b"current")
    assert here.accepts(ticket)
    new = here.issue()
    assert new != ticket and here.accepts(new)
    here.keys = (b"next",)
    assert here.accepts(new)
    assert not here.accepts(ticket)


def test_without_any_key_nothing_is_accepted(here: Signing) -> None:
    ticket = here.issue()
    here.keys = ()
    assert not here.accepts(ticket)


def test_a_secret_that_cannot_be_read_is_an_outage_not_a_refusal(here: Signing) -> None:
    def fail() -> tuple[bytes, ...]:
        raise SecretUnavailable("it is down")

    signer = TicketSigner(fail, here.clock, TTL)
    with pytest.raises(SecretUnavailable):
        signer.issue(ONE)
    with pytest.raises(SecretUnavailable):
        signer.accepts(here.issue(), ONE)


def test_a_ticket_is_short_names_its_job_and_needs_no_escape_in_an_address(here: Signing) -> None:
    ticket = here.issue()
    assert len(ticket) <= MAX_TICKET_CHARACTERS
    assert set(ticket) <= set(string.ascii_letters + string.digits + "-_.")
    assert here.signer.job_of(ticket) == ONE
