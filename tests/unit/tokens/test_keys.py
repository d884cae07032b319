"""Cached keys: how soon a new key is believed, how long a withdrawn one, and what an issuer that is down changes."""

from __future__ import annotations

import pytest

from chalicelib.errors import KeysUnavailable
from chalicelib.tokens import COOLDOWN, LIFETIME, PAUSE, STALE_FOR, CachedKeys, Jwk


class FakeIssuer:
    """Publishes keys by id; down, it takes `seconds_to_fail` to say so."""

    def __init__(self, *kids: str) -> None:
        self.now = 1_700_000_000.0
        self.keys: list[Jwk] = []
        self.publish(*kids)
        self.down = False
        self.seconds_to_fail = 0.0
        self.fetches = 0

    def publish(self, *kids: str) -> None:
        self.keys = [{"kid": kid, "kty": "RSA", "use": "sig"} for kid in kids]

    def fetch(self) -> list[Jwk]:
        self.fetches += 1
        if self.down:
            self.now += self.seconds_to_fail
            raise KeysUnavailable("the issuer is down")
        return self.keys

    def clock(self) -> float:
        return self.now


def cache_of(issuer: FakeIssuer) -> CachedKeys:
    return CachedKeys(issuer.fetch, issuer.clock)


def knows(keys: CachedKeys, kid: str) -> bool:
    found = keys.key(kid)
    assert found is None or found["kid"] == kid
    return found is not None


@pytest.fixture
def issuer() -> FakeIssuer:
    return FakeIssuer("a", "b")


@pytest.fixture
def keys(issuer: FakeIssuer) -> CachedKeys:
    return cache_of(issuer)


def test_nothing_is_fetched_before_a_key_is_asked_for(issuer: FakeIssuer, keys: CachedKeys) -> None:
    assert issuer.fetches == 0
    assert knows(keys, "a")
    assert issuer.fetches == 1


def test_keys_are_fetched_once_in_their_lifetime(issuer: FakeIssuer, keys: CachedKeys) -> None:
    for _ in range(100):
        assert knows(keys, "a") and knows(keys, "b")
    issuer.now += LIFETIME - 0.1
    assert knows(keys, "a")
    assert issuer.fetches == 1
    issuer.now += 0.1
    assert knows(keys, "a")
    assert issuer.fetches == 2


def test_a_withdrawn_key_is_believed_no_longer_than_the_lifetime(issuer: FakeIssuer, keys: CachedKeys) -> None:
    assert knows(keys, "a")
    issuer.publish("b")
    issuer.now += LIFETIME - 0.1
    assert knows(keys, "a")
    issuer.now += 0.1
    assert not knows(keys, "a")
    assert knows(keys, "b")


def test_the_lifetime_counts_from_before_the_fetch(issuer: FakeIssuer) -> None:
    """A key that is withdrawn while its set is on the way is as old as the question."""

    def slowly() -> list[Jwk]:
        found = issuer.fetch()
        issuer.now += 4
        return found

    keys = CachedKeys(slowly, issuer.clock)
    assert knows(keys, "a")
    issuer.publish("b")
    issuer.now += LIFETIME - 4
    assert not knows(keys, "a")


def test_a_new_key_is_believed_at_once(issuer: FakeIssuer, keys: CachedKeys) -> None:
    assert knows(keys, "a")
    issuer.publish("a", "new")
    assert knows(keys, "new")
    assert issuer.fetches == 2


def test_forged_ids_cannot_hammer_the_issuer(issuer: FakeIssuer, keys: CachedKeys) -> None:
    started = issuer.now
    while issuer.now < started + 3600:
        assert not knows(keys, f"forged-{issuer.now}")
        issuer.now += 1
    assert 3600 / LIFETIME < issuer.fetches <= 3600 / COOLDOWN + 3600 / LIFETIME + 1


def test_a_call_fetches_at_most_once(issuer: FakeIssuer, keys: CachedKeys) -> None:
    assert not knows(keys, "forged")
    assert issuer.fetches == 1
    issuer.now += LIFETIME
    assert not knows(keys, "forged")
    assert issuer.fetches == 2


def test_after_forged_ids_a_new_key_is_believed_when_the_cooldown_is_over(issuer: FakeIssuer, keys: CachedKeys) -> None:
    assert knows(keys, "a") and not knows(keys, "forged")
    issuer.publish("a", "new")
    issuer.now += COOLDOWN - 0.1
    assert not knows(keys, "new")
    issuer.now += 0.1
    assert knows(keys, "new")


def test_known_keys_are_served_while_forged_ids_come(issuer: FakeIssuer, keys: CachedKeys) -> None:
    assert knows(keys, "a")
    issuer.down = True
    assert not knows(keys, "forged")
    assert knows(keys, "a")


def test_each_container_learns_of_a_new_key_by_itself(issuer: FakeIssuer) -> None:
    one, other = cache_of(issuer), cache_of(issuer)
    assert not knows(one, "new") and not knows(other, "new")
    issuer.publish("new")
    assert knows(one, "new") and knows(other, "new")
    assert issuer.fetches == 4


# --- the issuer is down ------------------------------------------------------


def test_without_any_keys_nobody_can_tell(issuer: FakeIssuer, keys: CachedKeys) -> None:
    issuer.down = True
    with pytest.raises(KeysUnavailable):
        keys.key("a")


def test_old_keys_are_believed_while_the_issuer_is_down_but_not_for_ever(issuer: FakeIssuer, keys: CachedKeys) -> None:
    assert knows(keys, "a")
    issuer.down = True
    issuer.now += STALE_FOR - 0.1
    assert knows(keys, "a")
    issuer.now += 0.1
    with pytest.raises(KeysUnavailable):
        keys.key("a")
    with pytest.raises(KeysUnavailable):
        keys.key("a")


def test_old_keys_cannot_tell_that_an_id_is_unknown(issuer: FakeIssuer, keys: CachedKeys) -> None:
    """It may be that of a new key, so this is not the caller's fault."""
    assert not knows(keys, "new")
    issuer.publish("new")
    issuer.down = True
    issuer.now += LIFETIME
    with pytest.raises(KeysUnavailable):
        keys.key("new")


def test_an_issuer_that_is_down_is_asked_seldom_while_old_keys_do(issuer: FakeIssuer, keys: CachedKeys) -> None:
    assert knows(keys, "a")
    issuer.now += LIFETIME
    issuer.down, issuer.seconds_to_fail = True, 5
    assert knows(keys, "a")
    for _ in range(10):
        issuer.now += (COOLDOWN - 1) / 10
        assert knows(keys, "a")
    assert issuer.fetches == 2
    issuer.now += 1.1
    assert knows(keys, "a")
    assert issuer.fetches == 3


def test_an_issuer_that_is_down_is_asked_more_often_when_nothing_else_helps(
    issuer: FakeIssuer, keys: CachedKeys
) -> None:
    issuer.down, issuer.seconds_to_fail = True, 5
    for waited in (0.0, PAUSE - 0.1):
        issuer.now += waited
        with pytest.raises(KeysUnavailable):
            keys.key("a")
    assert issuer.fetches == 1
    issuer.now += 0.1
    issuer.down = False
    assert knows(keys, "a")
    assert issuer.fetches == 2


def test_when_the_issuer_is_back_its_new_keys_replace_the_old_ones(issuer: FakeIssuer, keys: CachedKeys) -> None:
    assert knows(keys, "a")
    issuer.down = True
    issuer.now += LIFETIME
    assert knows(keys, "a")
    issuer.down = False
    issuer.publish("new")
    issuer.now += COOLDOWN
    assert not knows(keys, "a")
    assert knows(keys, "new")


def test_a_clock_that_is_put_back_makes_keys_old_not_eternal(issuer: FakeIssuer, keys: CachedKeys) -> None:
    assert knows(keys, "a")
    issuer.publish("b")
    issuer.now -= 86_400
    assert not knows(keys, "a")
    assert knows(keys, "b")
    assert issuer.fetches == 2


# --- what is published -------------------------------------------------------


def test_a_key_for_encryption_hides_no_key_for_tokens(issuer: FakeIssuer, keys: CachedKeys) -> None:
    issuer.keys = [{"kid": "a", "use": "enc"}, {"kid": "a", "use": "sig", "kty": "EC"}, {"kid": "b", "use": "enc"}]
    assert keys.key("a") == {"kid": "a", "use": "sig", "kty": "EC"}
    assert keys.key("b") is None


def test_keys_without_a_proper_id_are_passed_over(issuer: FakeIssuer, keys: CachedKeys) -> None:
    issuer.keys = [{"kty": "RSA"}, {"kid": 7}, {"kid": ["a"]}, {"kid": None}, {"kid": "a"}]
    assert keys.key("a") == {"kid": "a"}
    assert keys.key("7") is None


def test_an_issuer_may_withdraw_all_its_keys(issuer: FakeIssuer, keys: CachedKeys) -> None:
    assert knows(keys, "a")
    issuer.publish()
    issuer.now += LIFETIME
    assert not knows(keys, "a")
