"""Renewal with rotation, tokens that come back, revocation, and keys for programs that cannot renew."""

import asyncio
import time
from collections.abc import Callable

import msgspec
import pytest

from gateway.audit.listing import Wanted, newest
from gateway.identity import key_admin
from gateway.oauth import families
from gateway.oauth.families import Family
from gateway.oauth.grants import subject_of
from gateway.oauth.tokens import EXCHANGE, REFRESH_TOKEN_TYPE, Tokens
from tests.gateway.oauth.conftest import ALICE, Company, refused

Answer = dict[str, str]


async def refresh(company: Company, token: str) -> Answer:
    told = await company.post("/oauth/token", grant_type="refresh_token", refresh_token=token)
    assert told.status_code == 200, told.text
    return dict(told.json())


async def family_of(company: Company, token: str) -> tuple[str, Family]:
    return await Tokens(company.runtime).families.find(token)


async def change(company: Company, token: str, alter: Callable[[Family], Family]) -> None:
    """Change a sign-in in the database, as time would."""
    id_, family = await family_of(company, token)
    assert await company.runtime.expiring.change("refresh", id_, msgspec.json.encode(alter(family)))


async def test_a_token_is_renewed(company: Company) -> None:
    first = await company.signed_in()
    second = await refresh(company, first["refresh_token"])
    assert second["access_token"] != first["access_token"]
    assert second["refresh_token"] != first["refresh_token"]
    assert await company.works(second["access_token"])
    assert await company.works(first["access_token"]), "what is on its way still counts"
    third = await refresh(company, second["refresh_token"])
    assert await company.works(third["access_token"])
    (key,) = company.runtime.keys.all()
    assert key.policy.requests_per_minute == 99, "one key, renewed"


async def test_a_token_that_has_ended_does_not_live_again(company: Company) -> None:
    first = await company.signed_in()
    (key,) = company.runtime.keys.all()
    await _ends(company, first["refresh_token"], key.id, -1)
    assert not await company.works(first["access_token"])
    second = await refresh(company, first["refresh_token"])
    assert await company.works(second["access_token"])
    assert not await company.works(first["access_token"])


async def _ends(company: Company, token: str, key_id: str, seconds: float) -> None:
    """Let time pass until a key ends in some seconds."""
    ends = time.time_ns() // 1000 + round(seconds * 1e6)
    await key_admin.change(company.runtime.keys, key_id, expires_at=ends)
    await change(company, token, lambda family: msgspec.structs.replace(family, key_ends=ends))


async def test_renewing_goes_on_from_an_end_of_its_own(company: Company) -> None:
    token = (await company.signed_in())["refresh_token"]
    (key,) = company.runtime.keys.all()
    for _ in range(2):
        await _ends(company, token, key.id, 600)
        answer = await refresh(company, token)
        token = answer["refresh_token"]
        assert int(answer["expires_in"]) > 7 * 3600


async def test_renewing_never_goes_beyond_an_administrators_end(company: Company) -> None:
    token = (await company.signed_in())["refresh_token"]
    (key,) = company.runtime.keys.all()
    ends = time.time_ns() // 1000 + 3600 * 10**6
    await key_admin.change(company.runtime.keys, key.id, expires_at=ends)
    for _ in range(3):
        answer = await refresh(company, token)
        token = answer["refresh_token"]
        (key,) = company.runtime.keys.all()
        assert key.policy.expires_at is not None
        assert ends - 10 <= key.policy.expires_at <= ends
        assert int(answer["expires_in"]) <= 3600
    form = {"subject_token": token, "subject_token_type": REFRESH_TOKEN_TYPE, "client_id": "cline"}
    lasting = await company.post("/oauth/token", grant_type=EXCHANGE, **form)
    assert lasting.json()["expires_in"] <= 3600, "nor does a key for a program that cannot renew"


async def test_an_end_that_an_administrator_set_is_not_undone(company: Company) -> None:
    first = await company.signed_in()
    (key,) = company.runtime.keys.all()
    await key_admin.change(company.runtime.keys, key.id, expires_at=time.time_ns() // 1000 - 10**6)
    form = {"subject_token": first["refresh_token"], "subject_token_type": REFRESH_TOKEN_TYPE, "client_id": "cline"}
    assert refused(await company.post("/oauth/token", grant_type=EXCHANGE, **form)) == (401, "invalid_grant")
    for _ in range(2):
        told = await company.post("/oauth/token", grant_type="refresh_token", refresh_token=first["refresh_token"])
        assert refused(told) == (401, "invalid_grant")
    assert not await company.works(first["access_token"])


async def test_two_that_renew_at_once_get_the_same(company: Company) -> None:
    first = await company.signed_in()
    answers = await asyncio.gather(*(refresh(company, first["refresh_token"]) for _ in range(6)))
    assert len({answer["access_token"] for answer in answers}) == 1
    assert len({answer["refresh_token"] for answer in answers}) == 1
    again = await refresh(company, first["refresh_token"])
    assert again["access_token"] == answers[0]["access_token"], "its answer got lost"
    assert await company.works(again["access_token"])


async def test_a_token_that_comes_back_late_ends_the_sign_in(company: Company) -> None:
    first = await company.signed_in()
    second = await refresh(company, first["refresh_token"])
    await change(
        company, second["refresh_token"], lambda family: msgspec.structs.replace(family, renewed_at=time.time() - 61)
    )
    late = await company.post("/oauth/token", grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert refused(late) == (401, "invalid_grant")
    owner = await company.post("/oauth/token", grant_type="refresh_token", refresh_token=second["refresh_token"])
    assert refused(owner) == (401, "invalid_grant")
    assert not await company.works(second["access_token"]), "the thief's key ends, too"


async def test_a_made_up_secret_ends_nothing_that_it_does_not_know(company: Company) -> None:
    first = await company.signed_in()
    made_up = await company.post("/oauth/token", grant_type="refresh_token", refresh_token="sr-" + "A" * 43 + ".x")
    assert refused(made_up) == (401, "invalid_grant")
    assert await refresh(company, first["refresh_token"])


async def test_a_sign_in_ends_when_keys_of_people_do(company: Company) -> None:
    first = await company.signed_in()
    _, family = await family_of(company, first["refresh_token"])
    assert abs(family.ends_at - time.time() - 30 * 86_400) < 60
    await change(
        company, first["refresh_token"], lambda family: msgspec.structs.replace(family, ends_at=time.time() + 100)
    )
    second = await refresh(company, first["refresh_token"])
    assert int(second["expires_in"]) <= 100


async def test_a_renewal_that_fails_can_be_tried_again(company: Company) -> None:
    first = await company.signed_in()

    async def fails(_: Family) -> tuple[Family, dict[str, str]]:
        raise OSError

    with pytest.raises(OSError):  # noqa: PT011
        await Tokens(company.runtime).families.renew(first["refresh_token"], fails)
    assert await refresh(company, first["refresh_token"])


async def test_who_waits_for_another_gives_up(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(families, "_WAIT_SECONDS", 0.0)
    first = await company.signed_in()
    id_, family = await family_of(company, first["refresh_token"])
    assert await company.runtime.expiring.put("refresh_turn", id_, b"", 30, id_=f"{id_}:{family.generation}")
    waiting = await company.post("/oauth/token", grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert refused(waiting) == (503, "temporarily_unavailable")
    assert waiting.headers["retry-after"]


async def test_keys_of_people_that_are_switched_off_end_sign_ins(company: Company) -> None:
    first = await company.signed_in()
    company.reconfigure(own_keys=None)
    told = await company.post("/oauth/token", grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert refused(told) == (401, "invalid_grant")


async def test_signing_out_everywhere_ends_sign_ins(company: Company) -> None:
    first = await company.signed_in()
    await company.runtime.expiring.delete_of(None, subject_of(ALICE))
    told = await company.post("/oauth/token", grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert refused(told) == (401, "invalid_grant")


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
async def test_signing_out_ends_both(company: Company, which: str) -> None:
    first = await company.signed_in()
    for _ in range(2):
        revoked = await company.post("/oauth/revoke", token=first[which], token_type_hint="nonsense")
        assert revoked.status_code == 200
    assert not await company.works(first["access_token"])
    told = await company.post("/oauth/token", grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert refused(told) == (401, "invalid_grant")


async def test_revoking_touches_nothing_else(company: Company) -> None:
    _, admins = await key_admin.create(company.runtime.keys, "made by an administrator")
    for token in ("sk-unknown", "sr-x.y", admins.reveal(), "ü" * 40, "x" * 9000):
        assert (await company.post("/oauth/revoke", token=token)).status_code == 200
    assert await company.works(admins.reveal())
    assert refused(await company.post("/oauth/revoke")) == (400, "invalid_request")


async def test_a_program_that_cannot_renew_gets_a_key_that_lasts(company: Company) -> None:
    first = await company.signed_in(client_id="sekisho")
    told = await company.post(
        "/oauth/token",
        grant_type=EXCHANGE,
        subject_token=first["refresh_token"],
        subject_token_type=REFRESH_TOKEN_TYPE,
        client_id="opencode",
    )
    answer = told.json()
    assert await company.works(answer["access_token"])
    assert 29 * 86_400 < answer["expires_in"] <= 30 * 86_400
    assert "refresh_token" not in answer
    key = await company.runtime.keys.find(answer["access_token"])
    assert key
    assert (key.owner, key.alias.startswith("alice@example.com/opencode ")) == ("Alice@example.com", True)
    assert await refresh(company, first["refresh_token"]), "the sign-in goes on"


@pytest.mark.parametrize("with_access_token", [True, False])
async def test_nothing_but_the_sign_in_gives_such_a_key(company: Company, with_access_token: bool) -> None:
    first = await company.signed_in()
    form = {"client_id": "opencode", "subject_token": first["access_token" if with_access_token else "refresh_token"]}
    kind = {"subject_token_type": REFRESH_TOKEN_TYPE} if with_access_token else {}
    told = await company.post("/oauth/token", grant_type=EXCHANGE, **form, **kind)
    assert refused(told)[1] == ("invalid_grant" if with_access_token else "invalid_request")
    assert len(company.runtime.keys.all()) == 1
    headers = {"authorization": f"Bearer {first['access_token']}"}
    longer = await company.client.post("/v1/me/keys", json={"alias": "longer"}, headers=headers)
    assert longer.json()["expires_at"] <= (time.time() + 8 * 3600) * 1e6, "nor does the key make one that lives longer"


async def test_exchanged_keys_are_counted(company: Company) -> None:
    first = await company.signed_in()
    form = {"subject_token": first["refresh_token"], "subject_token_type": REFRESH_TOKEN_TYPE, "client_id": "cline"}
    codes = [(await company.post("/oauth/token", grant_type=EXCHANGE, **form)).status_code for _ in range(3)]
    assert codes == [200, 200, 400]


async def test_the_audit_names_the_person(company: Company) -> None:
    first = await company.signed_in()
    second = await refresh(company, first["refresh_token"])
    await company.post("/oauth/revoke", token=second["access_token"])
    rows = (await asyncio.to_thread(newest, company.runtime.keys.audit.chain.file, Wanted()))[::-1]
    told = [(row["action"], row["actor"]["name"]) for row in rows if row["action"].startswith("key.")]
    assert {name for _, name in told} == {"Alice@example.com"}
    assert [action for action, _ in told] == ["key.created", "key.rotated", "key.changed", "key.revoked"]
    assert first["access_token"] not in str(rows)
