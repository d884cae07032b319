"""Where webhooks may be sent."""

from __future__ import annotations

import socket
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chalicelib.delivery.callback_urls import (
    Destination,
    check_callback_url,
    choose_address,
    is_public,
    split_callback_url,
)
from chalicelib.errors import UnsafeCallbackUrl
from chalicelib.limits import MAX_CALLBACK_URL_CHARACTERS


def words(text: str) -> list[str]:
    """Long lists can be read at a glance so."""
    return text.split()


PUBLIC = words("""
    https://hooks.example.com https://hooks.example.com/ https://hooks.example.com:443/a/b?c=d&e=%20@:
    HTTPS://Hooks.Example.COM/x https://hooks.example.com?only=query https://xn--bcher-kva.example/ https://a.b/
    https://93.184.215.14/ https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/ https://1.b/ https://0x7f.com/
    https://localhost.example.com/ https://internal.example.com/ https://mylocal.com/
""")

LOCAL = words("""
    http://127.0.0.1:8000/hook https://localhost:8443/ http://[::1]:9/ http://receiver.localhost/
    http://hooks.example.com/ https://hooks.example.com:8443/ https://127.9.9.9/
""")

NOT_HTTPS = words("""
    https:// https:///path https:a.b https:/a.b //a.b a.b ftp://a.b/ file:///etc/passwd gopher://a.b:443/
    javascript:alert(1) data:,x unix:///var/run/docker.sock https+unix://x.y/ xhttps://a.b/
""")

CHARACTERS = [" https://a.b/", "https://a.b/ ", "https://a.b/x y", "https://a.b/\r\nHost: c.d", "https://a.b/\t"]
CHARACTERS += ["https://a\tb.c/", "https://a.b/\x00", "https://a.b/\x7f", "https://a.b\\@c.d/", "https://a.b/\\c"]
CHARACTERS += ["\\\\a.b\\c", "https:\\\\a.b", "https://b\u00fccher.example/", "https://a.b/\u00fc", "https://a\u3002b/"]
CHARACTERS += ["https://a\uff0eb/", "https://\u24d0.b/", "https://\uff11\uff12\uff17.0.0.1/", "https://a.b/\u200b"]
CHARACTERS += ["https://127\u30020\u30020\u30021/", "https://\u0661\u0662\u0667.0.0.1/", "https://a\u00ad.b/"]
CHARACTERS += ["", "https://a.b/#", "https://a.b/#fragment", "https://a.b#@c.d/"]

AUTHORITIES = ["x" * 64 + ".b", "a." * 130 + "b"]
AUTHORITIES += words("""
    user@a.b user:password@a.b :@a.b @a.b a.b:443@c.d 127.0.0.1@a.b a.b@127.0.0.1 [::1]@a.b
    a.b:80 a.b:8443 a.b:0 a.b: a.b:0443 a.b:+443 a.b:443:443 a.b:65979 a.b:x a.b:99999 a.b:443. a.b:-443 a.b:4_43
    [2606:4700::1111]443 [2606:4700::1111 2606:4700::1111 [a.b] [] a com a..b .a.b a.b. -a.b a-.b a_b.c *.a.b
    a.b%00 a.b%2f %61.b a,b.c a;b.c a.b&c {a}.b $x.b a'b.c ~.b a.b|c "a.b" <a.b> a=b.c
""")

NAMES = words("""
    localhost LOCALHOST localhost. a.localhost localhost.localdomain a.localdomain printer.local a.b.local local
    metadata.google.internal Metadata.Google.Internal ip-10-0-0-1.ec2.internal a.internal. internal
    router.home.arpa instance-data metadata kubernetes ip6-localhost
""")

V4_FORMS = words("""
    2130706433 017700000001 0x7f000001 0x7F000001 0x7f.1 0x7f.0.0.1 0177.0.0.1 0177.1 127.1 127.0.1 127.0.0.01
    127.0.0.0x1 127.0.0.1. 127.00.0.1 0x7f.0x0.0x0.0x1 0177.0000.0000.0001 0 1 4294967295 4294967296 0x0 0x 00 0.0
    0x5db8d80e 1572395022 0135.0270.0327.016 93.12112654 93.184.215.014 93.184.215.14. 256.1.1.1 1.2.3 1.2.3.4.5
    1.2.3.-4 93.184.215.14%00 %31%32%37.0.0.1 127.0.0.1%20 127.0.0.1,a.b a.b.0x7f a.b.1 999.999.999.999
""")

V4 = words("""
    0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 100.127.255.255 127.0.0.1 127.255.255.254
    168.63.129.16 169.254.0.1 169.254.169.254 169.254.170.2 169.254.169.253 172.16.0.1 172.31.255.255 192.0.0.1
    192.0.0.192 192.0.2.1 192.88.99.1 192.168.0.1 192.168.255.255 198.18.0.1 198.19.255.255 198.51.100.1
    203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
""")

V6 = words("""
    :: ::1 ::2 fe80::1 febf::1 fec0::1 fc00::1 fd00:ec2::254 fd20:ce::254 fdff::1 ff02::1 ff0e::1 100::1
    64:ff9b:1::1 64:ff9b:1:a00::1 64:ff9b:2::1 2001::1 2001:2::1 2001:10::1 2001:20::1 2001:1ff::1 2001:db8::1
    2002::1 3fff::1 5f00::1 4000::1 1::1 ::ffff:0:10.0.0.1
""")

PUBLIC_V4 = words("""
    1.1.1.1 8.8.8.8 93.184.215.14 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0
    169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0
    223.255.255.255 168.63.129.15 168.63.129.17 192.0.1.0
""")
PUBLIC_V6 = words("""
    2606:4700:4700::1111 2a00:1450:4001:80b::200e 2001:200::1 2001:4860:4860::8888 2003::1 3ffe::1
""")

HOSTILE = [*NOT_HTTPS, *CHARACTERS, *(f"https://{host}/" for host in [*AUTHORITIES, *NAMES, *V4_FORMS, *V4])]
HOSTILE += [f"https://[{address}]/" for address in [*V6, *V4, *(f"::ffff:{address}" for address in V4)]]
HOSTILE += words("""
    https://[fe80::1%25eth0]/ https://[2606:4700::1111%25eth0]/ https://[2606:4700::1111%eth0]/ https://[::1]:443/
    https://[2606:4700:0:0:0:0:0:1111]/ https://[2606:4700::01111]/ https://[v1.a]/ https://[::ffff:8.8.8.8.]/
""")

NOT_EVEN_LOCAL = [f"http://{address}/" for address in V4 if not address.startswith("127.")]
NOT_EVEN_LOCAL += [
    f"http://[{address}]/" for address in [*V6, "::ffff:127.0.0.1", "64:ff9b::7f00:1"] if address != "::1"
]
NOT_EVEN_LOCAL += words("""
    http://printer.local/ http://metadata.google.internal/ http://localhost./ http://127.1/ http://0/ http://machine/
    http://user@localhost/ http://localhost:0/ http://localhost:65536/ http://localhost/#x ftp://localhost/
    http://2130706433/ http://-.localhost/ http://[::1%25lo]/ http://a_b.localhost/
""")


def receiver(host: str = "a.b", *, port: int = 443) -> Destination:
    return Destination("https", host, port, "/")


@pytest.mark.parametrize("url", PUBLIC)
@pytest.mark.parametrize("allow_local", [False, True])
def test_a_url_of_the_public_internet_is_accepted_as_it_is(url: str, allow_local: bool) -> None:
    assert check_callback_url(url, allow_local=allow_local) == url


@pytest.mark.parametrize("url", [*HOSTILE, *LOCAL])
def test_a_url_that_may_lead_elsewhere_is_refused(url: str) -> None:
    with pytest.raises(UnsafeCallbackUrl, match=r"^the callback URL (must|has) "):
        check_callback_url(url, allow_local=False)


@pytest.mark.parametrize("url", LOCAL)
def test_for_local_work_this_machine_may_be_called(url: str) -> None:
    assert check_callback_url(url, allow_local=True) == url


@pytest.mark.parametrize("url", NOT_EVEN_LOCAL)
def test_for_local_work_no_other_private_host_may_be_called(url: str) -> None:
    with pytest.raises(UnsafeCallbackUrl):
        check_callback_url(url, allow_local=True)


def test_a_url_may_be_as_long_as_the_limit() -> None:
    longest = "https://a.b/".ljust(MAX_CALLBACK_URL_CHARACTERS, "x")
    assert check_callback_url(longest, allow_local=False) == longest
    with pytest.raises(UnsafeCallbackUrl, match="2,049 characters"):
        check_callback_url(longest + "x", allow_local=False)


@pytest.mark.parametrize(
    ("url", "parts", "host_header"),
    [
        ("https://A.b", Destination("https", "a.b", 443, "/"), "a.b"),
        ("https://a.b:443?q=1", Destination("https", "a.b", 443, "/?q=1"), "a.b"),
        ("https://a.b:8443/P?q", Destination("https", "a.b", 8443, "/P?q"), "a.b:8443"),
        ("http://[::1]/", Destination("http", "::1", 80, "/"), "[::1]"),
        ("http://[::1]:443//c", Destination("http", "::1", 443, "//c"), "[::1]:443"),
    ],
)
def test_a_url_is_split_once_into_what_is_connected_to(url: str, parts: Destination, host_header: str) -> None:
    assert split_callback_url(url, allow_local=True) == parts
    assert parts.host_header == host_header


@pytest.mark.parametrize("address", [*V4, *V6, "", "a.b", "2606:4700::1111%eth0", "1.1.1.1 ", "127.1", "1.1.1.1/32"])
def test_an_address_inside_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", [*PUBLIC_V4, *PUBLIC_V6])
def test_an_address_outside_is_public(address: str) -> None:
    assert is_public(address)


PRIVATE_NETWORKS = words("""
    0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24
    192.168.0.0/16 198.18.0.0/15 224.0.0.0/3
""")


@st.composite
def private_addresses(draw) -> IPv4Address:
    network = IPv4Network(draw(st.sampled_from(PRIVATE_NETWORKS)))
    return network[draw(st.integers(0, network.num_addresses - 1))]


@st.composite
def embeddings(draw) -> IPv6Address:
    """An IPv6 address that stands for a private IPv4 address, in any of the known ways."""
    inner, rest = int(draw(private_addresses())), draw(st.integers(0, 2**80 - 1))
    ways = {
        "compatible": inner,
        "mapped": 0xFFFF << 32 | inner,
        "translated": 0xFFFF << 48 | inner,
        "nat64": 0x64FF9B << 96 | inner,
        "local nat64": 0x64FF9B0001 << 80 | (rest >> 32) << 32 | inner,
        "6to4": 0x2002 << 112 | inner << 80 | rest,
        "teredo server": 0x20010000 << 96 | inner << 64 | rest >> 16,
        "teredo client": 0x20010000 << 96 | (rest >> 16 & ~0xFFFFFFFF) | inner ^ 0xFFFFFFFF,
    }
    return IPv6Address(ways[draw(st.sampled_from(sorted(ways)))])


@given(address=embeddings(), allow_local=st.booleans())
def test_a_private_address_is_refused_inside_any_ipv6_address(address, allow_local):
    if address == IPv6Address("::1"):  # 0.0.0.1 as an IPv4-compatible address is the loopback address
        return
    assert not is_public(str(address))
    with pytest.raises(UnsafeCallbackUrl):
        check_callback_url(f"https://[{address}]/", allow_local=allow_local)
    with pytest.raises(UnsafeCallbackUrl):
        choose_address(receiver(), [str(address)], allow_local=allow_local)


@given(inner=st.sampled_from(PUBLIC_V4), prefix=st.sampled_from(["::ffff:0:0", "64:ff9b::"]))
def test_a_public_address_by_way_of_nat64_is_public(inner, prefix):
    """Networks without IPv4 reach receivers without IPv6 so."""
    assert is_public(str(IPv6Address(int(IPv6Address(prefix)) | int(IPv4Address(inner)))))


@given(number=st.integers(0, 2**32 - 1))
def test_no_ipv4_address_is_public_that_the_standard_library_calls_private(number):
    address = IPv4Address(number)
    assert not is_public(str(address)) or (address.is_global and not address.is_multicast)


@given(number=st.integers(0, 2**128 - 1) | st.integers(0x2000 << 112, (0x4000 << 112) - 1))
def test_no_ipv6_address_is_public_that_the_standard_library_calls_private(number):
    address = IPv6Address(number)
    embedding = address.ipv4_mapped or address in IPv6Network("64:ff9b::/96")
    assert embedding or not is_public(str(address)) or address.is_global


@given(
    parts=st.lists(st.tuples(st.integers(0, 2**32), st.sampled_from(["{:d}", "0{:o}", "0x{:x}", "0X{:X}"])), min_size=1)
)
@example(parts=[(127, "{:d}"), (0, "{:d}"), (0, "{:d}"), (1, "{:d}")])
def test_what_inet_aton_understands_is_refused_or_a_public_dotted_quad(parts):
    host = ".".join(form.format(number) for number, form in parts)
    try:
        meant = socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        meant = None
    if meant == host and is_public(host):
        assert check_callback_url(f"https://{host}/", allow_local=False)
    else:
        with pytest.raises(UnsafeCallbackUrl):
            check_callback_url(f"https://{host}/", allow_local=False)


@given(text=st.text(), around=st.sampled_from(["{}", "https://{}", "https://{}.example/", "https://a.b/{}"]))
def test_any_text_is_refused_or_leads_to_port_443(text, around):
    with suppress(UnsafeCallbackUrl):
        parts = split_callback_url(around.format(text), allow_local=False)
        assert (parts.scheme, parts.port, parts.target[0]) == ("https", 443, "/")


def test_the_first_of_the_resolved_addresses_is_connected_to() -> None:
    assert choose_address(receiver(), ["1.1.1.1", "2606:4700::1111"], allow_local=False) == "1.1.1.1"


@pytest.mark.parametrize(
    "resolved", [[], ["10.1.2.3"], ["1.1.1.1", "10.1.2.3"], ["1.1.1.1", "::ffff:10.1.2.3"], ["fe80::1%eth0"], ["a.b"]]
)
@pytest.mark.parametrize("allow_local", [False, True])
def test_one_private_address_among_the_resolved_ones_is_refused_and_not_shown(
    resolved: list[str], allow_local: bool
) -> None:
    with pytest.raises(UnsafeCallbackUrl) as refused:
        choose_address(receiver("hooks.example.com"), resolved, allow_local=allow_local)
    assert "hooks.example.com" in str(refused.value)
    assert not any(address in str(refused.value) for address in resolved if address != "a.b")


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_name_may_lead_to_this_machine_only_for_local_work(address: str) -> None:
    assert choose_address(receiver(port=8443), [address], allow_local=True) == address
    with pytest.raises(UnsafeCallbackUrl):
        choose_address(receiver(), [address], allow_local=False)


def test_another_port_is_refused_even_for_a_public_address() -> None:
    with pytest.raises(UnsafeCallbackUrl, match="port 443"):
        choose_address(receiver(port=22), ["1.1.1.1"], allow_local=False)
