"""Keys of everybody: search, create, change, rotate, revoke."""

import time
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response

from gateway.casing import lower
from gateway.console.admin.fields import coming, converted, moment, nano, problem_of, text, texts, whole
from gateway.console.calls import path_of
from gateway.console.once import done_once, new_once, result_of
from gateway.console.page import Page
from gateway.console.visit import Visit, chosen
from gateway.errors import ApiError, InvalidRequest

_SHOWN = 100
FIELDS = {
    "alias": ("alias", text),
    "owner": ("owner", text),
    "team": ("team", text),
    "purpose": ("purpose", text),
    "models": ("models", texts),
    "budget": ("budget_nano_usd", nano),
    "per": ("budget_window", text),
    "requests": ("requests_per_minute", whole),
    "tokens": ("tokens_per_minute", whole),
    "parallel": ("parallel_requests", whole),
    "expires": ("expires_at", moment),
}
_NEW = {**FIELDS, "expires": ("expires_at", coming)}
"""A key that is made ends later; one that exists may be ended by its day."""


async def show_access(visit: Visit) -> Response:
    return await _list_page(visit)


async def _list_page(visit: Visit, status: int = 200, **form: Any) -> Response:
    """Return the keys that fit the search, with the form for a new one."""
    keys = (await visit.ask("GET", "/admin/keys"))["data"]
    found = [key for key in reversed(keys) if _fits(key, lower(visit.query.get("q", "").strip()))]
    form = {"typed": dict.fromkeys(FIELDS, ""), "problems": {}, "general": None, **form}
    made = await result_of(visit, visit.query.get("done"))
    return visit.render(
        "admin/access.html",
        status,
        keys=[{**key, "state": _state(key)} for key in found[:_SHOWN]],
        count=len(found),
        once=new_once(),
        made=made,
        **form,
    )


def _state(key: dict[str, Any]) -> str:
    """Return whether a key is `valid`, `revoked` or `ended`."""
    ends = key["policy"]["expires_at"]
    if key["revoked_at"]:
        return "revoked"
    return "ended" if ends is not None and ends <= time.time() * 1e6 else "valid"


def _fits(key: dict[str, Any], wanted: str) -> bool:
    texts_ = (key["alias"], key["owner"], key["team"], key["purpose"], key["hint"], key["id"])
    return not wanted or any(wanted in lower(each or "") for each in texts_)


async def make_key(visit: Visit) -> Response:
    """Make a key; what was typed stays where a field cannot be."""
    typed = chosen(visit.form, *FIELDS)
    try:
        body = {name: value for name, value in converted(typed, _NEW).items() if value is not None}
        if "budget_nano_usd" not in body:
            body.pop("budget_window", None)
        done = await done_once(visit, lambda: visit.ask("POST", "/admin/keys", json=body))
    except ApiError as error:
        problems, general = problem_of(visit, error, FIELDS)
        return await _list_page(visit, error.status, typed=typed, problems=problems, general=general)
    return visit.redirect("/console/access", done=done)


async def show_key(visit: Visit) -> Response:
    return await _key_page(visit)


async def _key_page(visit: Visit, status: int = 200, **form: Any) -> Response:
    key = await visit.ask("GET", _path(visit))
    form = {"typed": _typed(key), "problems": {}, "general": None, **form}
    made = await result_of(visit, visit.query.get("done"))
    return visit.render("admin/key.html", status, key=key, once=new_once(), made=made, **form)


def _typed(key: dict[str, Any]) -> dict[str, str]:
    """Return a key as the form shows it."""
    policy = key["policy"]
    named = {field: key[field] or "" for field in ("alias", "owner", "team", "purpose")}
    limits = {field: policy[FIELDS[field][0]] for field in ("requests", "tokens", "parallel")}
    budget = policy["budget_nano_usd"]
    ends = policy["expires_at"]
    return {
        **named,
        **{field: "" if value is None else str(value) for field, value in limits.items()},
        "models": ", ".join(policy["models"] or ()),
        "budget": "" if budget is None else f"{budget / 1e9:.9f}".rstrip("0").rstrip("."),
        "per": policy["budget_window"] or "month",
        "expires": visit_day(ends),
    }


def visit_day(micros: int | None) -> str:
    """Return a moment as the day (UTC) on which it is, for a field of a form."""
    return f"{datetime.fromtimestamp(micros / 1e6, UTC):%Y-%m-%d}" if micros else ""


async def change_key(visit: Visit) -> Response:
    """Change, rotate or revoke a key."""
    action, name = visit.form.get("action"), str(visit.request.path_params["name"])
    if action == "revoke":
        await visit.ask("DELETE", _path(visit))
        return visit.redirect(path_of("console", "access", name), saved="revoked")
    if action == "rotate":
        grace = {"grace_seconds": 3600 if visit.form.get("grace") else 0}
        done = await done_once(visit, lambda: visit.ask("POST", f"{_path(visit)}/rotate", json=grace))
        return visit.redirect(path_of("console", "access", name), done=done)
    return await _save(visit, name)


async def _save(visit: Visit, name: str) -> Response:
    typed = chosen(visit.form, *FIELDS)
    try:
        key = await visit.ask("GET", _path(visit))
        if key["revoked_at"]:
            raise InvalidRequest("This key was revoked; make a new one.", code="key_ended")
        before = _typed(key)
        changed = {field: FIELDS[field] for field in FIELDS if typed[field] != before[field]}
        if changed.keys() & {"budget", "per"}:
            changed |= {field: FIELDS[field] for field in ("budget", "per")}
        body = converted(typed, changed)
        if "budget_nano_usd" in body and body["budget_nano_usd"] is None:
            body["budget_window"] = None
        key = await visit.ask("PATCH", _path(visit), json=body)
    except ApiError as error:
        problems, general = problem_of(visit, error, FIELDS)
        return await _key_page(visit, error.status, typed=typed, problems=problems, general=general)
    return visit.redirect(path_of("console", "access", key["id"]), saved="changed")


def _path(visit: Visit) -> str:
    return path_of("admin", "keys", str(visit.request.path_params["name"]))


PAGES = (
    Page("/console/access", "administrator", show_access, make_key, menu="admin.access"),
    Page("/console/access/{name}", "administrator", show_key, change_key),
)
