"""Whose address a call is counted by: no header of a client's own may choose it."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.callers import client_network, source_address
from chalicelib.environment import Network

CLIENT, FORGED = "198.51.100.7", "203.0.113.9"
PROXY, INNER = "192.0.2.1", "10.0.0.5"


def networks(*texts: str) -> tuple[Network, ...]:
    return tuple(ip_network(text) for text in texts)


TRUSTED = networks("192.0.2.0/24", "10.0.0.0/8", "2001:db8:1::/48")
ADDRESSES = st.ip_addresses().map(str)
HEADERS = st.one_of(st.text(), st.lists(st.one_of(ADDRESSES, st.text(max_size=20))).map(", ".join))


@given(seen=st.one_of(ADDRESSES, st.text(max_size=20)), header=HEADERS)
def test_without_trusted_proxies_it_is_always_whom_the_gateway_saw(seen: str, header: str) -> None:
    assert source_address(seen, header, trusted=()) == seen


@given(header=HEADERS)
def test_a_stranger_is_who_it_is_whatever_it_says(header: str) -> None:
    assert source_address(CLIENT, header, trusted=TRUSTED) == CLIENT


@given(forged=HEADERS, hops=st.lists(st.sampled_from([PROXY, INNER, "2001:db8:1::5"]), max_size=4))
def test_what_stands_before_the_first_stranger_changes_nothing(forged: str, hops: list[str]) -> None:
    header = ", ".join([forged, CLIENT, *hops])
    assert source_address(PROXY, header, trusted=TRUSTED) == CLIENT


CHAINS = {
    "one proxy": (PROXY, CLIENT, CLIENT),
    "one proxy, which the gateway appended too": (PROXY, f"{CLIENT}, {PROXY}", CLIENT),
    "two proxies": (PROXY, f"{CLIENT}, {INNER}", CLIENT),
    "two proxies, and the gateway appended": (PROXY, f"{CLIENT}, {INNER}, {PROXY}", CLIENT),
    "a forged hop before the client": (PROXY, f"{FORGED}, {CLIENT}, {PROXY}", CLIENT),
    "a forged hop that claims to be a proxy": (PROXY, f"{FORGED}, {INNER}, {CLIENT}", CLIENT),
    "a trusted proxy that says nothing": (PROXY, "", PROXY),
    "a proxy that calls by itself": (PROXY, INNER, INNER),
    "an unknown proxy between known ones": (PROXY, f"{CLIENT}, {FORGED}, {INNER}", FORGED),
    "no spaces": (PROXY, f"{CLIENT},{INNER}", CLIENT),
    "many spaces and tabs": (PROXY, f"  {CLIENT} ,\t{INNER}  ", CLIENT),
    "empty hops": (PROXY, f",, {CLIENT} ,, {INNER} ,", CLIENT),
    "ports": (PROXY, f"{CLIENT}:4711, {INNER}:80", CLIENT),
    "IPv6": (PROXY, "2001:db8:2::7", "2001:db8:2::7"),
    "IPv6 through an IPv6 proxy": ("2001:db8:1::1", "2001:db8:2::7, 2001:db8:1::2", "2001:db8:2::7"),
    "IPv6 in brackets": (PROXY, "[2001:db8:2::7]", "2001:db8:2::7"),
    "IPv6 with a port": (PROXY, "[2001:db8:2::7]:4711, [2001:db8:1::2]:80", "2001:db8:2::7"),
    "IPv6 in a longer form": (PROXY, "2001:0DB8:0002:0000::0007", "2001:db8:2::7"),
    "a mapped IPv4 proxy": (f"::ffff:{PROXY}", CLIENT, CLIENT),
    "a mapped IPv4 client": (PROXY, f"::ffff:{CLIENT}", CLIENT),
    "a mapped IPv4 proxy among the hops": (PROXY, f"{CLIENT}, ::ffff:{INNER}", CLIENT),
}


@pytest.mark.parametrize(("seen", "header", "expected"), CHAINS.values(), ids=CHAINS.keys())
def test_a_chain_of_trusted_proxies_leads_to_who_came_first(seen: str, header: str, expected: str) -> None:
    assert source_address(seen, header, trusted=TRUSTED) == expected


@pytest.mark.parametrize(
    "garbage",
    ["unknown", "_hidden", "for=198.51.100.7", "198.51.100", "198.51.100.7.8", "198.51.100.07", "1:2:3", "-", "é", "٣"],
)
def test_nothing_before_a_hop_that_cannot_be_read_is_believed(garbage: str) -> None:
    assert source_address(PROXY, f"{FORGED}, {garbage}", trusted=TRUSTED) == PROXY
    assert source_address(PROXY, f"{FORGED}, {garbage}, {INNER}", trusted=TRUSTED) == INNER


@pytest.mark.parametrize("seen", ["", "test-invoke-source-ip", "é"])
def test_a_gateway_that_saw_no_address_is_not_taken_for_a_proxy(seen: str) -> None:
    assert source_address(seen, CLIENT, trusted=TRUSTED) == seen


@pytest.mark.parametrize("everything", [networks("0.0.0.0/0"), networks("0.0.0.0/0", "::/0")])
def test_with_everything_trusted_the_first_hop_counts(everything: tuple[Network, ...]) -> None:
    assert source_address(PROXY, f"{CLIENT}, {INNER}", trusted=everything) == CLIENT


@given(seen=ADDRESSES, hops=st.lists(ADDRESSES, max_size=5))
def test_the_answer_is_the_gateway_s_or_a_hop(seen: str, hops: list[str]) -> None:
    found = source_address(seen, ", ".join(hops), trusted=networks("0.0.0.0/1", "::/1"))
    mapped = {getattr(ip_address(hop), "ipv4_mapped", None) or ip_address(hop) for hop in hops}
    assert found in {seen, *map(str, mapped)}


@pytest.mark.parametrize(
    ("address", "rate_limit_key"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("2001:db8:1:3::1", "2001:db8:1::/48"),
        ("2001:db8:2:3::1", "2001:db8:2::/48"),
        ("::ffff:203.0.113.9", "::ffff:203.0.113.9"),
        ("", ""),
    ],
)
def test_a_customer_of_ipv6_has_a_network_and_not_an_address(address: str, rate_limit_key: str) -> None:
    assert client_network(address, 48) == rate_limit_key


def test_an_operator_may_count_smaller_networks() -> None:
    assert client_network("2001:db8:1:2:3:4:5:6", 64) == "2001:db8:1:2::/64"
