"""`shared_state` is understood or refused before anything connects, and never quoted."""

import pytest

from gateway.errors import ConfigError
from gateway.limits.address import store_address


@pytest.mark.parametrize(
    ("text", "kind", "tls", "hosts", "options", "name"),
    [
        ("redis://localhost", "server", False, (("localhost", 6379),), {}, "localhost:6379"),
        ("redis://u:p%40ss@h:1/3", "server", False, (("h", 1),), {"username": "u", "password": "p@ss", "db": 3}, "h:1"),
        ("redis://:pw@h", "server", False, (("h", 6379),), {"password": "pw"}, "h:6379"),
        ("rediss://[::1]:6380/0?ssl_cert_reqs=none", "server", True, (("::1", 6380),), None, "::1:6380"),
        ("unix:///run/redis.sock?db=2", "socket", False, (), {"db": 2}, "/run/redis.sock"),
        (
            "redis+sentinel://u:p@a,b:26380/mymaster/1?sentinel_password=q",
            "sentinel",
            False,
            (("a", 26379), ("b", 26380)),
            {"username": "u", "password": "p", "sentinel_password": "q", "db": 1},
            "mymaster at a:26379",
        ),
        ("rediss+sentinel://a/m", "sentinel", True, (("a", 26379),), {}, "m at a:26379"),
        ("redis+cluster://a,b:7000", "cluster", False, (("a", 6379), ("b", 7000)), {}, "a:6379"),
        ("rediss+cluster://a/0", "cluster", True, (("a", 6379),), {}, "a:6379"),
    ],
)
def test_understood(
    text: str, kind: str, tls: bool, hosts: object, options: dict[str, object] | None, name: str
) -> None:
    address = store_address(text)
    assert (address.kind, address.tls, address.hosts, address.name) == (kind, tls, hosts, name)
    assert options is None or address.options == options


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "scheme"),
        ("canary", "scheme"),
        ("memcached://canary", "scheme"),
        ("http://canary", "scheme"),
        ("redis://", "host or port"),
        ("redis:///0", "host or port"),
        ("redis://canary:0", "host or port"),
        ("redis://canary:65536", "host or port"),
        ("redis://canary:six", "host or port"),
        ("redis://[canary", "shared_state"),
        ("redis://ca nary", "host or port"),
        ("redis://a,canary", "several hosts"),
        ("redis://canary:26379/mymaster", "number of a database"),
        ("redis://canary/0/1", "number of a database"),
        ("redis://u:can/ary@host:1", "host or port"),
        ("redis://h/0?canary=1", "option"),
        ("redis://h/0?db=canary", "db"),
        ("redis://h/0?ssl_cert_reqs=none", "option"),
        ("rediss://h/0?ssl_cert_reqs=canary", "ssl_cert_reqs"),
        ("rediss://h/0?ssl_check_hostname=canary", "ssl_check_hostname"),
        ("redis://h/0#canary", "%23"),
        ("redis+sentinel://canary", "service"),
        ("redis+sentinel://canary/m/x", "number of a database"),
        ("redis+cluster://canary/1", "only the database 0"),
        ("unix://", "socket"),
        ("redis://h?" + "&".join(f"db={number}" for number in range(100)), "shared_state"),
    ],
)
def test_refused(text: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem) as told:
        store_address(text)
    assert str(told.value).startswith("shared_state: ")
    assert "Allowed: redis://" in str(told.value)
    assert "canary" not in str(told.value)
