"""Who sees what: roles follow the configuration of now; cookies and addresses follow `public_url`."""

from typing import Any

import pytest
from pydantic import ValidationError
from starlette.responses import Response

from gateway.config.schema import Config
from gateway.identity.person import Person
from gateway.sessions.cookies import SESSION, address_of, cookie, is_https, public_url, set_cookie
from gateway.sessions.session import Session, fingerprint, led_by, role_of, subject_of

CONSOLE = {"administrators": ["Boss@Example.com"], "team_leads": {"research": ["lead@example.com"], "sales": []}}


def config(**values: Any) -> Config:
    return Config.model_validate({"console": CONSOLE, **values})


@pytest.mark.parametrize(
    ("person", "source", "role"),
    [
        (Person(email="alice@example.com"), "open-webui", "person"),
        (Person(email="boss@example.com"), "open-webui", "person"),
        (Person(email="boss@example.com", role="user"), "open-webui", "person"),
        (Person(email="boss@example.com", role="admin"), "open-webui", "administrator"),
        (Person(email="lead@example.com"), "open-webui", "lead"),
        (Person(email="BOSS@EXAMPLE.COM"), "oidc", "administrator"),
        (Person(user_id="boss@example.com"), "open-webui", "person"),
        (Person(name="boss@example.com", role="administrator"), "open-webui", "person"),
        (Person(email="lead@example.com"), "oidc", "lead"),
        (Person(user_id="u", role="admin"), "open-webui", "administrator"),
        (Person(user_id="u", role="admin"), "oidc", "person"),
        (Person(), "open-webui", "person"),
        (Person(), "admin-key", "administrator"),
    ],
)
def test_the_role_of_a_person(person: Person, source: Any, role: str) -> None:
    assert role_of(person, source, config()) == role


def test_administrators_of_open_webui_may_be_left_out() -> None:
    admin = Person(user_id="u", role="admin")
    assert role_of(admin, "open-webui", config(console={"open_webui_admins": False})) == "person"
    assert role_of(admin, "open-webui", config(console=False)) == "person"
    off = config(console={**CONSOLE, "open_webui_admins": False})
    assert role_of(Person(email="boss@example.com", role="admin"), "open-webui", off) == "administrator"
    assert role_of(Person(email="boss@example.com"), "open-webui", off) == "person"
    assert led_by(Person(email="lead@example.com"), config()) == ("research",)
    assert led_by(Person(), config()) == ()


def test_roles_are_in_order() -> None:
    session = Session(Person(), "oidc", "lead", (), "", "", 0, 0)
    assert session.may("person")
    assert session.may("lead")
    assert not session.may("administrator")
    assert not session.is_somebody
    assert subject_of(Person(email="A@x.example", user_id="u"), "oidc") == "a@x.example"
    nobody = {subject_of(Person(), source) for source in ("admin-key", "open-webui")}
    for name in ("admin-key", "ADMIN-KEY", "open-webui"):
        assert subject_of(Person(user_id=name), "open-webui") not in nobody


def test_another_admin_key_has_another_fingerprint() -> None:
    one, other = (config(admin_key=letter * 20) for letter in "ab")
    assert fingerprint(one) != fingerprint(other)
    assert fingerprint(config()) is None
    assert "a" * 20 not in str(fingerprint(one))


@pytest.mark.parametrize(
    ("server", "scope", "shown"),
    [
        ({}, {}, "http://127.0.0.1:4000"),
        ({"host": "0.0.0.0", "port": 80}, {}, "http://127.0.0.1:80"),
        ({"host": "::1"}, {}, "http://[::1]:4000"),
        ({"port": 0}, {"server": ("127.0.0.1", 5123)}, "http://127.0.0.1:5123"),
        ({"public_url": "https://AI.example.com/"}, {}, "https://ai.example.com"),
    ],
)
def test_the_address_for_links(server: Any, scope: Any, shown: str) -> None:
    assert public_url(config(server=server), scope) == shown


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        (b"gw.example:4000", "http://gw.example:4000"),
        (b"[fd00::1]:4000", "http://[fd00::1]:4000"),
        (b"evil.example/x", "http://127.0.0.1:4000"),
        (b"a b", "http://127.0.0.1:4000"),
        (b"\xff", "http://127.0.0.1:4000"),
        (b"", "http://127.0.0.1:4000"),
    ],
)
def test_the_address_to_show_is_the_one_that_was_asked(host: bytes, shown: str) -> None:
    scope = {"scheme": "http", "headers": [(b"host", host)]}
    assert address_of(config(), scope) == shown
    assert address_of(config(server={"public_url": "https://x.example"}), scope) == "https://x.example"


@pytest.mark.parametrize(
    "address",
    ["", "ai.example.com", "https://", "https://a/console", "https://u:p@a", "ftp://a", "https://a?x", "https://a b"],
)
def test_a_public_url_that_cannot_be(address: str) -> None:
    with pytest.raises(ValidationError):
        config(server={"public_url": address})


def test_cookies_are_for_this_host_alone_over_tls() -> None:
    scope: Any = {"scheme": "http", "headers": []}
    tls = config(server={"public_url": "https://ai.example.com"})
    for each, secure in ((config(), False), (tls, True)):
        response = Response()
        set_cookie(response, each, scope, SESSION, "value", 60)
        header = response.headers["set-cookie"]
        assert is_https(each, scope) is secure
        assert header.startswith("__Host-" if secure else SESSION)
        assert ("; Secure" in header) is secure
        assert "HttpOnly" in header
        assert "SameSite=lax" in header
        assert "Path=/" in header
        assert "Domain" not in header


def test_cookies_of_others_do_not_hide_ours() -> None:
    odd = b'token="a b; c"; =; ; {"x": 1}; sekisho-session=ours; other=' + b"x" * 9000
    assert cookie(config(), {"headers": [(b"cookie", odd)]}, SESSION) == "ours"
    two = [(b"cookie", b"a=1"), (b"cookie", b"sekisho-session=ours")]
    assert cookie(config(), {"headers": two}, SESSION) == "ours"
    assert cookie(config(), {"headers": [(b"cookie", b"x" * 10**6)]}, SESSION) is None
    assert cookie(config(), {"headers": []}, SESSION) is None


@pytest.mark.parametrize("given", [True, False, {}, {"session_hours": 1}])
def test_the_console_is_switched(given: Any) -> None:
    assert (config(console=given).console is False) is (given is False)


@pytest.mark.parametrize(
    "given", [{"administrators": ["boss"]}, {"session_hours": 0}, {"session_hours": 10**9}, {"x": 1}, "off", 1]
)
def test_a_console_that_cannot_be(given: Any) -> None:
    with pytest.raises(ValidationError):
        config(console=given)
