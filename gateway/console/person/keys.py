"""A person's own keys: make, copy once, rotate, revoke; last used when and from where."""

from typing import Any

from starlette.responses import Response

from gateway.console.calls import path_of
from gateway.console.once import done_once, new_once, result_of
from gateway.console.page import Page
from gateway.console.refusals import words_of
from gateway.console.visit import Visit, chosen
from gateway.errors import ApiError

_DAYS = 90
_FIELD_OF = {"alias_taken": "alias"}
_FIELDS = ("alias", "days", "team")


async def show_keys(visit: Visit) -> Response:
    return await _keys_page(visit)


async def _keys_page(
    visit: Visit,
    status: int = 200,
    typed: dict[str, str] | None = None,
    problems: dict[str, str] | None = None,
    general: str | None = None,
) -> Response:
    """Return the list of keys with the form for a new one; what was typed stays in it."""
    found = await visit.call("GET", "/v1/me/keys")
    listed = found.data() if found.ok else {"data": [], "own_keys": None}
    rules = listed["own_keys"]
    me = await visit.ask("GET", "/v1/me") if rules else {"teams": []}
    usual = {"alias": "", "purpose": "", "team": "", "days": str(min(_DAYS, rules["longest_days"])) if rules else ""}
    return visit.render(
        "person/keys.html",
        status,
        keys=listed["data"],
        rules=rules,
        teams=me["teams"],
        typed=typed or usual,
        problems=problems or {},
        general=general or (None if found.ok else words_of(found.error(), visit.language)),
        made=await result_of(visit, visit.query.get("done")),
        done=visit.query.get("done", ""),
        once=new_once(),
    )


async def make_key(visit: Visit) -> Response:
    """Make a key; a value that cannot be is marked, and nothing of what was typed is lost."""
    typed = chosen(visit.form, "alias", "purpose", "days", "team")
    try:
        done = await done_once(visit, lambda: _made(visit, typed))
    except ApiError as error:
        problems, general = _problems(visit, error)
        return await _keys_page(visit, error.status, typed, problems, general)
    return visit.redirect("/console/keys", done=done)


async def _made(visit: Visit, typed: dict[str, str]) -> Any:
    body: dict[str, Any] = {"alias": typed["alias"], "purpose": typed["purpose"] or None}
    if typed["team"]:
        body["team"] = typed["team"]
    if typed["days"]:
        body["days"] = _whole(typed["days"])
    return await visit.ask("POST", "/v1/me/keys", json=body)


def _whole(text: str) -> int:
    """Return a whole number; -1, which no field takes, for what is none."""
    return int(text) if text.isdecimal() and len(text) <= 6 else -1


def _problems(visit: Visit, error: ApiError) -> tuple[dict[str, str], str | None]:
    """Return what is wrong with which field, and what is wrong with none of them."""
    field = _FIELD_OF.get(error.code, error.param or "")
    if field not in _FIELDS:
        return {}, words_of(error, visit.language)
    taken = error.code == "alias_taken"
    return {field: words_of(error, visit.language) if taken else visit.t(f"keys.{field}.wrong")}, None


async def show_key(visit: Visit) -> Response:
    """Show one key, and where it was used last."""
    key = await visit.ask("GET", path_of("v1", "me", "keys", str(visit.request.path_params["id"])))
    return visit.render("person/key.html", key=key, once=new_once(), done=visit.query.get("done", ""))


async def change_key(visit: Visit) -> Response:
    """Rotate or revoke a key."""
    id_ = str(visit.request.path_params["id"])
    path = path_of("v1", "me", "keys", id_)
    if visit.form.get("action") == "revoke":
        await visit.ask("DELETE", path)
        return visit.redirect(path_of("console", "keys", id_), done="revoked")
    grace = {"grace_seconds": 3600 if visit.form.get("grace") else 0}
    done = await done_once(visit, lambda: visit.ask("POST", f"{path}/rotate", json=grace))
    return visit.redirect("/console/keys", done=done)


PAGES = (
    Page("/console/keys", "person", show_keys, make_key, menu="keys.menu", of_somebody=True),
    Page("/console/keys/{id}", "person", show_key, change_key),
)
