"""The device grant: Claude Code's contract, and what guessing, replaying and asking too often get."""

import asyncio
import re
import time

import pytest

from gateway.errors import Overloaded
from gateway.identity import key_admin
from gateway.identity.person import Person
from gateway.oauth import grants
from gateway.oauth.device import ALPHABET, normalized
from gateway.oauth.grants import Asked, subject_of
from gateway.oauth.polls import Polls
from gateway.oauth.programs import Program
from tests.gateway.oauth.conftest import ALICE, ROOT, Company, refused


async def test_the_metadata_names_what_there_is(company: Company) -> None:
    told = (await company.client.get("/.well-known/oauth-authorization-server")).json()
    assert told["issuer"] == ROOT
    assert told["code_challenge_methods_supported"] == ["S256"]
    addresses = [value for name, value in told.items() if name.endswith("_endpoint")]
    assert len(addresses) == 4
    for address in addresses:
        assert address.startswith(f"{ROOT}/oauth/")
        allowed = (await company.client.request("PUT", address)).headers["allow"]
        assert ("GET" in allowed) is address.endswith("/authorize"), "each of them is served"


async def test_claude_code_signs_in(company: Company) -> None:
    begun = await company.begin(surface="claude_code", something="new")
    assert re.fullmatch(f"[{ALPHABET}]{{4}}-[{ALPHABET}]{{4}}", begun["user_code"])
    assert len(begun["device_code"]) >= 43
    assert begun["verification_uri"] == f"{ROOT}/console/approve"
    assert begun["verification_uri_complete"] == f"{ROOT}/console/approve?code={begun['user_code']}"
    assert (begun["expires_in"], begun["interval"]) == (600, 5)
    assert refused(await company.poll(begun["device_code"])) == (400, "authorization_pending")

    asked = await company.devices.find(begun["user_code"].lower().replace("-", " "))
    assert asked
    assert (asked.program.title, asked.address) == ("Claude Code", "192.0.2.7")
    assert abs(asked.asked_at - time.time()) < 60
    assert await company.devices.decide(begun["user_code"], ALICE, "research", True)

    answer = (await company.poll(begun["device_code"])).json()
    assert (answer["token_type"], answer["email"]) == ("Bearer", "Alice@example.com")
    assert 0 < answer["expires_in"] <= 8 * 3600
    assert await company.works(answer["access_token"])
    key = await company.runtime.keys.find(answer["access_token"])
    assert key
    assert (key.owner, key.team, key.made_by) == ("Alice@example.com", "research", "person")
    assert key.policy.requests_per_minute == 99, "it may do what people's keys may do"
    assert key.alias.startswith("alice@example.com/Claude Code ")
    assert key.purpose == "Signed in from 192.0.2.7"


async def test_a_code_is_good_once(company: Company) -> None:
    begun = await company.begin()
    assert await company.devices.decide(begun["user_code"], ALICE, None, True)
    assert await company.devices.decide(begun["user_code"], ALICE, None, True) is None
    assert await company.devices.find(begun["user_code"]) is None
    assert (await company.poll(begun["device_code"])).status_code == 200
    assert refused(await company.poll(begun["device_code"])) == (400, "expired_token")


async def test_two_polls_at_once_get_one_key(company: Company) -> None:
    begun = await company.begin()
    assert await company.devices.decide(begun["user_code"], ALICE, None, True)
    answers = await asyncio.gather(*(company.poll(begun["device_code"]) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400, 400]
    assert len(company.runtime.keys.all()) == 1


async def test_a_no_is_told_once(company: Company) -> None:
    begun = await company.begin()
    assert await company.devices.decide(begun["user_code"], ALICE, None, False)
    assert refused(await company.poll(begun["device_code"])) == (400, "access_denied")
    assert refused(await company.poll(begun["device_code"])) == (400, "expired_token")
    assert company.runtime.keys.all() == []


async def test_asking_too_often_is_no_failure(company: Company) -> None:
    begun = await company.begin()
    assert refused(await company.poll(begun["device_code"])) == (400, "authorization_pending")
    assert refused(await company.poll(begun["device_code"])) == (400, "slow_down")
    assert await company.devices.decide(begun["user_code"], ALICE, None, True)
    assert (await company.poll(begun["device_code"])).status_code == 200, "who is slowed down is not refused"


def test_each_early_poll_adds_to_the_interval() -> None:
    now = 0.0
    polls = Polls(5, 5, 600, lambda: now)
    assert not polls.too_early("a")
    for now, early in ((4.5, False), (8.0, True), (16.0, True), (32.0, False)):
        assert polls.too_early("a") is early, now
    assert not polls.too_early("b"), "each code for itself"


async def test_guessing_is_bounded(company: Company) -> None:
    begun = await company.begin()
    for number in range(10):
        typed = f"BBBBBBB{ALPHABET[number]}"
        assert await company.devices.find(typed, "person:mallory", "address:198.51.100.9") is None
    for trier in (("person:mallory",), ("address:192.0.2.1", "person:mallory")):
        with pytest.raises(Overloaded):
            await company.devices.find(begun["user_code"], *trier)
        with pytest.raises(Overloaded):
            await company.devices.decide(begun["user_code"], ALICE, None, True, *trier)
    assert await company.devices.find(begun["user_code"], "person:alice", "address:198.51.100.9"), "her office goes on"
    for _ in range(90):
        await company.devices.find("BBBBBBBB", "address:198.51.100.9")
    with pytest.raises(Overloaded):
        await company.devices.find(begun["user_code"], "person:alice", "address:198.51.100.9")


@pytest.mark.parametrize("typed", ["", "BBBB", "BBBB-BBBBB", "AEIO-UAEI", "BBBB-BBB\x00", "'; --", "B" * 10_000])
async def test_nonsense_is_no_code(company: Company, typed: str) -> None:
    assert normalized(typed) == ""
    assert await company.devices.find(typed, "person:somebody") is None


@pytest.mark.parametrize("typed", ["BCDF-GHJK", " bcdf ghjk ", "ｂｃｄｆ－ｇｈｊｋ", "ＢＣＤＦ　ＧＨＪＫ", "BCDFGHJK"])
def test_a_code_is_known_however_it_is_typed(typed: str) -> None:
    assert normalized(typed) == "BCDFGHJK"


async def test_codes_that_wait_are_bounded_per_address(company: Company) -> None:
    for _ in range(100):
        await company.begin()
    full = await company.post("/oauth/device_authorization", surface="claude_code")
    assert refused(full) == (503, "temporarily_unavailable")
    assert int(full.headers["retry-after"]) > 0


async def test_who_is_over_their_own_bound_takes_nothing_from_others(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grants, "MOST_OF_AN_ADDRESS", 3)
    monkeypatch.setattr(grants, "MOST_OPEN", 5)
    refusals = 0
    for number in range(12):
        try:
            await company.devices.begin(Asked(Program("sekisho"), f"2001:db8::{number}", 0.0), f"{ROOT}/approve")
        except Overloaded:
            refusals += 1
    assert refusals == 9, "one subscriber has all addresses of a /64"
    await company.devices.begin(Asked(Program("sekisho"), "2001:db8:0:1::1", 0.0), f"{ROOT}/approve")


async def test_codes_that_wait_are_bounded_in_all(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grants, "MOST_OPEN", 2)
    await company.begin()
    assert (await company.authorize()).status_code == 303
    full = await company.post("/oauth/device_authorization", surface="claude_code")
    assert refused(full) == (503, "temporarily_unavailable")
    assert refused(await company.authorize()) == (503, "temporarily_unavailable")


@pytest.mark.parametrize(
    ("form", "title"),
    [
        ({"client_id": "sekisho"}, "sekisho"),
        ({"client_id": "cline"}, "cline"),
        ({"client_id": "<b>evil</b> " + "x" * 500}, "bevilb " + "x" * 33),
        ({"client_id": "\u202eedoC edualC"}, "edoC edualC"),
        ({"client_id": "\x00\x01"}, "?"),
        ({}, "other"),
    ],
)
async def test_programs_are_shown_as_they_call_themselves(company: Company, form: dict[str, str], title: str) -> None:
    begun = await company.post("/oauth/device_authorization", **form)
    asked = await company.devices.find(begun.json()["user_code"])
    assert asked
    assert asked.program.title == title
    assert asked.program.known is (title == "sekisho")
    assert await company.devices.decide(begun.json()["user_code"], ALICE, None, True)
    assert (await company.poll(begun.json()["device_code"])).status_code == 200, "the title is part of the alias"


async def test_policy_refuses_with_the_remedy(company: Company) -> None:
    begun = await company.begin()
    assert await company.devices.decide(begun["user_code"], ALICE, None, True)
    company.reconfigure(own_keys=None)
    answer = await company.poll(begun["device_code"])
    assert refused(answer) == (400, "access_denied")
    assert "administrator" in answer.json()["error_description"]
    refusal = await company.post("/oauth/device_authorization", surface="claude_code")
    assert refused(refusal) == (400, "access_denied")
    company.reconfigure(console=False)
    refusal = await company.post("/oauth/device_authorization", surface="claude_code")
    assert "console: false" in refusal.json()["error_description"]


async def test_a_person_has_as_many_keys_as_people_may(company: Company) -> None:
    for _ in range(3):
        await company.signed_in()
    begun = await company.begin()
    assert await company.devices.decide(begun["user_code"], ALICE, None, True)
    answer = await company.poll(begun["device_code"])
    assert refused(answer) == (400, "access_denied")
    assert "Revoke one" in answer.json()["error_description"]
    await company.signed_in(Person(email="bob@example.com"))


async def test_nobody_gets_no_key(company: Company) -> None:
    begun = await company.begin()
    assert await company.devices.decide(begun["user_code"], Person(), None, True)
    assert refused(await company.poll(begun["device_code"])) == (400, "access_denied")


async def test_a_person_who_signs_out_everywhere_takes_a_yes_back(company: Company) -> None:
    begun = await company.begin()
    assert await company.devices.decide(begun["user_code"], ALICE, None, True)
    await company.runtime.expiring.delete_of(None, subject_of(ALICE))
    assert refused(await company.poll(begun["device_code"]))[1] in ("authorization_pending", "expired_token")


async def test_a_key_that_an_administrator_revokes_ends_the_sign_in(company: Company) -> None:
    answer = await company.signed_in()
    key = await company.runtime.keys.find(answer["access_token"])
    assert key
    await key_admin.revoke(company.runtime.keys, key.id)
    assert not await company.works(answer["access_token"])
    renewed = await company.post("/oauth/token", grant_type="refresh_token", refresh_token=answer["refresh_token"])
    assert refused(renewed) == (401, "invalid_grant"), "Claude Code signs the person out"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "invalid_request"),
        (b"grant_type=password&username=a&password=b", "unsupported_grant_type"),
        (b"grant_type=refresh_token&grant_type=refresh_token", "invalid_request"),
        (b"grant_type=refresh_token&refresh_token=sk-x", "invalid_grant"),
        (b"grant_type=refresh_token&refresh_token=sr-x.y", "invalid_grant"),
        (b"grant_type=refresh_token&refresh_token=sr-" + b"x" * 9000, "invalid_grant"),
        (b"grant_type=urn:ietf:params:oauth:grant-type:device_code", "invalid_request"),
        (b"grant_type=urn:ietf:params:oauth:grant-type:device_code&device_code=%00%ff", "invalid_request"),
        (b"grant_type=urn:ietf:params:oauth:grant-type:device_code&device_code=x", "expired_token"),
        (b"grant_type=authorization_code&code=x", "invalid_request"),
        (b"grant_type=authorization_code&code=x&code_verifier=y", "invalid_grant"),
        (b'{"grant_type": "refresh_token"}', "invalid_request"),
        (b"\xff\xfe=\x00", "invalid_request"),
        (b"&".join(b"a%d=1" % number for number in range(500)), "invalid_request"),
        (b"a=" + b"x" * 20_000, "invalid_request"),
    ],
)
async def test_nonsense_gets_an_answer_of_oauth(company: Company, body: bytes, code: str) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = await company.client.post("/oauth/token", content=body, headers=headers)
    assert 400 <= answer.status_code < 500
    assert refused(answer)[1] == code
