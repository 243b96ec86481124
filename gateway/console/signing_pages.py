"""Pages on which people sign in, by the admin key or a one-time link, and out."""

from typing import cast

import msgspec
from starlette.responses import Response

from gateway.api.client import headers_of
from gateway.api.console_link import KIND, Link
from gateway.console.oidc_pages import is_offered_there, oidc_of, problem_of
from gateway.console.page import Page, started
from gateway.console.refusals import PageError
from gateway.console.security import own_path
from gateway.console.visit import Visit
from gateway.db.anybody import put_for_anybody
from gateway.errors import Overloaded
from gateway.identity.person import NOBODY
from gateway.network import client_address, counted_as
from gateway.oauth.tokens import Tokens
from gateway.sessions.session import subject_of
from gateway.sessions.signing import sign_in, sign_out, sign_out_everywhere

_TRIES = 10
"""Wrong admin keys that an address may show a minute."""
_ALL_TRIES = 200
"""The same, of all addresses together."""
_TRY_SECONDS = 60


async def show_sign_in(visit: Visit) -> Response:
    """Show the ways to sign in; who is signed in goes on."""
    if visit.session:
        return visit.redirect(own_path(visit.query.get("next")))
    return _sign_in_page(visit, visit.query.get("next"))


def _sign_in_page(visit: Visit, next_: str | None, status: int = 200, problem: str | None = None) -> Response:
    config = visit.runtime.current.config
    return started(
        visit,
        "sign_in.html",
        status,
        next=own_path(next_),
        problem=problem or problem_of(visit),
        oidc=oidc_of(visit),
        offer_sign_out_there=is_offered_there(visit),
        by_open_webui=config.open_webui.identity_secret is not None,
        by_admin_key=config.admin_key is not None,
    )


async def sign_in_with_admin_key(visit: Visit) -> Response:
    """Check the admin key. Attempts are counted in the database, for all processes together."""
    expected, next_ = visit.runtime.current.config.admin_key, visit.form.get("next")
    scope = visit.request.scope
    address = counted_as(client_address(scope, headers_of(scope), visit.runtime.current.config.server))
    try:
        await _count_try(visit, address)
    except Overloaded:
        return _sign_in_page(visit, next_, 429, visit.t("signin.too_many"))
    if expected is None or not expected.matches(visit.form.get("admin_key", "").strip()):
        return _sign_in_page(visit, next_, 401, visit.t("signin.admin_key.wrong"))
    await visit.runtime.expiring.delete_of("try", address)
    response = visit.redirect(own_path(next_))
    await sign_in(visit.runtime, visit.request.scope, response, NOBODY, "admin-key")
    return response


async def _count_try(visit: Visit, address: str) -> None:
    """Count an attempt. Raises `Overloaded` over the limits."""
    store = visit.runtime.expiring
    bounds = {"most": _TRIES, "most_together": _ALL_TRIES}
    await put_for_anybody(store, "try", address, b"", _TRY_SECONDS, together="tries", **bounds)


async def show_link(visit: Visit) -> Response:
    """Show whom a one-time link signs in. It is not used up yet: programs that look at links before people do none."""
    link = await _link(visit, take=False)
    name = link.person.name or link.person.email or link.person.user_id
    other = visit.session if visit.session and visit.session.subject != subject_of(link.person, "open-webui") else None
    return started(visit, "enter.html", name=name, other=other)


async def use_link(visit: Visit) -> Response:
    """Sign in with a one-time link."""
    link = await _link(visit, take=True)
    response = visit.redirect("/console")
    await sign_in(
        visit.runtime, visit.request.scope, response, link.person, "open-webui", key_id=link.key_id, teams=link.teams
    )
    return response


async def _link(visit: Visit, *, take: bool) -> Link:
    """Return what a one-time link says. Raises `PageError` for one that is old, used or of another gateway."""
    store, id_ = visit.runtime.expiring, cast(str, visit.request.path_params["id"])
    entry = await (store.take(KIND, id_) if take else store.get(KIND, id_))
    if entry is None:
        raise PageError(410, "enter.over")
    return msgspec.json.decode(entry.content, type=Link)


async def end_session(visit: Visit) -> Response:
    """Sign out here, or everywhere."""
    response = visit.redirect("/console/sign-in", done="everywhere" if visit.form.get("everywhere") else "here")
    if visit.form.get("everywhere"):
        if visit.person.is_somebody:
            await Tokens(visit.runtime).end_all(visit.person.person)
        await sign_out_everywhere(visit.runtime, visit.request.scope, response, visit.person)
    else:
        await sign_out(visit.runtime, visit.request.scope, response)
    return response


PAGES = (
    Page("/console/sign-in", None, show_sign_in, sign_in_with_admin_key),
    Page("/console/enter/{id}", None, show_link, use_link),
    Page("/console/sign-out", "person", None, end_session),
)
