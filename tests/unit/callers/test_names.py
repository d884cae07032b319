"""Names of callers: different callers never have one name."""

from __future__ import annotations

from itertools import combinations

import pytest

from chalicelib.callers import ANONYMOUS, TICKET_HOLDER, bearer, pool_member, signer
from chalicelib.errors import InvalidSettings
from chalicelib.settings import Settings
from tests.support.services import ENVIRONMENT

ISSUERS = ("https://a.test", "https://a.test/", "https://a.test/b")
SUBJECTS = ("alice", "/alice", "#alice", "b#alice", "https://a.test/b#alice")
ROLE = "arn:aws:sts::123456789012:assumed-role/Reader/"


def test_equal_subjects_of_two_issuers_are_two_callers() -> None:
    names = [bearer(issuer, subject) for issuer in ISSUERS for subject in SUBJECTS]
    names += [ANONYMOUS, TICKET_HOLDER, pool_member("alice"), signer("arn:aws:iam::123456789012:user/alice")]
    assert all(one != other for one, other in combinations(names, 2))


def test_all_sessions_of_a_role_are_one_caller() -> None:
    assert signer(f"{ROLE}one") == signer(f"{ROLE}two") == "arn:aws:iam::123456789012:role/Reader"


def test_an_issuer_has_no_fragment_which_could_pass_for_a_subject() -> None:
    issuer = {"AUTH_MODE": "jwt", "AUTH_ISSUER": "https://a.test/#b", "AUTH_AUDIENCE": "lorry"}
    with pytest.raises(InvalidSettings, match=r"AUTH_ISSUER: .*without a fragment"):
        Settings.from_environment({**ENVIRONMENT, **issuer})
