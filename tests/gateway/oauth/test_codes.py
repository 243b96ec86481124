"""Authorization codes: PKCE, loopback redirects and nothing else, each code once."""

import asyncio
from urllib.parse import urlsplit

import pytest

from gateway.oauth.codes import answers
from gateway.oauth.grants import subject_of
from gateway.oauth.redirects import is_loopback, with_parameters
from tests.gateway.oauth.conftest import ALICE, REDIRECT, ROOT, VERIFIER, Company, challenge_of, query_of, refused


async def test_a_program_signs_in(company: Company) -> None:
    sent = await company.authorize()
    assert sent.status_code == 303
    to = urlsplit(sent.headers["location"])
    assert (to.netloc, to.path) == ("", "/console/approve"), "a page of ours, which asks the person"
    id_ = query_of(sent.headers["location"])["request"]
    request = await company.codes.find(id_)
    assert request
    assert (request.asked.program.title, request.asked.address) == ("sekisho", "192.0.2.7")
    assert (request.redirect_uri, request.state) == (REDIRECT, "s-1")
    decided = await company.codes.decide(id_, ALICE, "research", True)
    assert decided
    assert await company.codes.decide(id_, ALICE, None, True) is None, "once"
    assert decided[1]
    answer = await company.redeem(decided[1])
    assert answer.status_code == 200, answer.text
    assert await company.works(answer.json()["access_token"])
    assert answer.json()["refresh_token"]


async def test_no_gives_no_code(company: Company) -> None:
    id_ = query_of((await company.authorize()).headers["location"])["request"]
    decided = await company.codes.decide(id_, ALICE, None, False)
    assert decided
    assert decided[1] is None
    assert await company.codes.find(id_) is None


async def test_a_code_that_comes_back_takes_the_key_away(company: Company) -> None:
    code = await company.code()
    first = (await company.redeem(code)).json()
    assert refused(await company.redeem(code)) == (400, "invalid_grant")
    assert not await company.works(first["access_token"]), "one of the two is a thief, and nobody knows which"
    renewed = await company.post("/oauth/token", grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert refused(renewed) == (401, "invalid_grant")


async def test_a_code_is_redeemed_once_at_a_time(company: Company) -> None:
    code = await company.code()
    answered = await asyncio.gather(*(company.redeem(code) for _ in range(4)))
    assert sorted(answer.status_code for answer in answered)[1:] == [400, 400, 400]


@pytest.mark.parametrize(
    "changed",
    [
        {"code_verifier": "x" * 43},
        {"code_verifier": challenge_of(VERIFIER)},
        {"code_verifier": VERIFIER + " "},
        {"redirect_uri": REDIRECT.replace("51234", "51235")},
        {"redirect_uri": REDIRECT.replace("127.0.0.1", "[::1]")},
        {"redirect_uri": ""},
        {"client_id": "claude_code"},
        {"client_id": ""},
    ],
)
async def test_a_code_of_another_request_is_lost(company: Company, changed: dict[str, str]) -> None:
    code = await company.code()
    assert refused(await company.redeem(code, **changed)) == (400, "invalid_grant")
    assert refused(await company.redeem(code)) == (400, "invalid_grant"), "a code is tried once"
    assert company.runtime.keys.all() == []


async def test_pkce_of_two_requests_is_not_mixed_up(company: Company) -> None:
    other = "o" * 50
    sent = await company.authorize(code_challenge=challenge_of(other), redirect_uri="http://127.0.0.1:9999/")
    decided = await company.codes.decide(query_of(sent.headers["location"])["request"], ALICE, None, True)
    assert decided
    assert decided[1]
    mine = await company.code()
    assert refused(await company.redeem(decided[1])) == (400, "invalid_grant")
    assert refused(await company.redeem(mine, code_verifier=other)) == (400, "invalid_grant")


FOREIGN = [
    "https://127.0.0.1:1/",
    "http://localhost:1/",
    "http://evil.example:1/",
    "http://127.0.0.1.evil.example:1/",
    "http://127.0.0.1@evil.example:1/",
    "http://evil.example:1@127.0.0.1:2/",
    "http://127.0.0.1:1#@evil.example/",
    "http://127.0.0.1:1\\@evil.example/",
    "http://127.0.0.1:1/ x",
    "http://127.0.0.1:1/\r\nset-cookie: a=b",
    "http://127.0.0.1/",
    "http://127.0.0.1:0/",
    "http://127.0.0.1:99999/",
    "http://127.0.0.1:x/",
    "http://127.0.0.1:01/",
    "http://127.1:1/",
    "http://0x7f.0.0.1:1/",
    "http://2130706433:1/",
    "http://[::ffff:127.0.0.1]:1/",
    "http://[::1%25eth0]:1/",
    "http://[::1:1/",
    "http://１２７.0.0.1:1/",
    "//127.0.0.1:1/",
    "javascript:alert(1)//127.0.0.1:1",
    "data:text/html,http://127.0.0.1:1/",
    "http:127.0.0.1:1/",
    "http:///127.0.0.1:1/",
    "",
    "http://127.0.0.1:1/" + "x" * 600,
]


@pytest.mark.parametrize("uri", FOREIGN)
async def test_nobody_is_sent_elsewhere(company: Company, uri: str) -> None:
    sent = await company.authorize(redirect_uri=uri)
    assert refused(sent) == (400, "invalid_request")
    assert "location" not in sent.headers
    assert not is_loopback(uri)


@pytest.mark.parametrize(
    "uri",
    ["http://127.0.0.1:1/", "http://127.0.0.1:65535", "http://[::1]:8080/a/b?c=d", "http://127.0.0.1:51234/callback"],
)
def test_any_port_of_loopback_is_good(uri: str) -> None:
    assert is_loopback(uri)
    assert with_parameters(uri, code="x y", state="ü&").startswith(uri.rstrip("/").split("?")[0])
    assert query_of(with_parameters(uri, code="x y", state="ü&"))["state"] == "ü&"


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "unsupported_response_type"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "x" * 42}, "invalid_request"),
        ({"code_challenge": "ü" * 43}, "invalid_request"),
        ({"state": "s" * 513}, "invalid_request"),
    ],
)
async def test_what_is_wrong_is_told_to_the_program(
    company: Company, changed: dict[str, str | None], error: str
) -> None:
    sent = await company.authorize(**changed)
    assert sent.status_code == 303
    assert sent.headers["location"].startswith(f"{REDIRECT}?")
    told = query_of(sent.headers["location"])
    assert (told["error"], told["iss"]) == (error, ROOT)
    assert ("state" in told) is ("state" not in changed)


@pytest.mark.parametrize("client_id", [None, "", "claude_code", "evil"])
async def test_unknown_programs_are_not_sent_anywhere(company: Company, client_id: str | None) -> None:
    sent = await company.authorize(client_id=client_id)
    assert (sent.status_code, "location" in sent.headers) == (400, False)


async def test_policy_is_told_to_the_program(company: Company) -> None:
    company.reconfigure(own_keys=None)
    told = query_of((await company.authorize()).headers["location"])
    assert told["error"] == "access_denied"
    assert "administrator" in told["error_description"]


async def test_a_person_who_signs_out_everywhere_takes_a_code_back(company: Company) -> None:
    code = await company.code()
    await company.runtime.expiring.delete_of(None, subject_of(ALICE))
    assert refused(await company.redeem(code)) == (400, "invalid_grant")


@pytest.mark.parametrize("verifier", ["", "x" * 42, "x" * 129, VERIFIER[:43] + "\n", "ü" * 43], ids=range(5))
def test_a_verifier_has_the_form_of_the_rfc(verifier: str) -> None:
    assert not answers(challenge_of(verifier), verifier)


def test_the_example_of_rfc_7636() -> None:
    assert answers("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
