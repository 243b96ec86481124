"""The page on which a person lets a program have a key: by the code that it shows, or as a browser was sent here."""

from starlette.responses import RedirectResponse, Response

from gateway.api.client import headers_of
from gateway.audit.actor import Actor
from gateway.console.page import Page
from gateway.console.refusals import PageError, words_of
from gateway.console.visit import Visit
from gateway.errors import Forbidden
from gateway.network import client_address, counted_as
from gateway.oauth.codes import Authorization, CodeGrant
from gateway.oauth.device import DeviceGrant
from gateway.oauth.grants import Asked
from gateway.oauth.redirects import with_parameters
from gateway.oauth.server import PAGE
from gateway.oauth.tokens import Tokens
from gateway.sessions.cookies import public_url

_LONGEST_SHOWN = 20
_FORMS = ("http:",)
"""Where the form of a browser's request may lead: back to a program on this machine, at any port. Only such addresses
were kept; a policy has no words for those of IPv6."""


async def show(visit: Visit) -> Response:
    """Show what asks, never doing anything by itself: a link may come from anybody."""
    if request := visit.query.get("request"):
        return _asking(visit, (await _request(visit, request)).asked, request=request)
    if (typed := visit.query.get("code")) is None:
        return _typing(visit)
    asked = await _with_code(visit, typed)
    return _asking(visit, asked, code=typed) if asked else _wrong(visit, typed)


async def decide(visit: Visit) -> Response:
    """Note a yes or a no, once."""
    allowed = visit.form.get("decision") == "yes"
    if allowed:
        Tokens(visit.runtime).check(visit.person.person)
    request = visit.form.get("request")
    return await (_decide_request(visit, request, allowed) if request else _decide_code(visit, allowed))


async def _decide_code(visit: Visit, allowed: bool) -> Response:
    session, typed = visit.person, visit.form.get("code", "")
    grant = DeviceGrant(visit.runtime.expiring)
    if allowed and (found := await _with_code(visit, typed)):
        await _record(visit, found)
    asked = await grant.decide(typed, session.person, session.team, allowed, *_triers(visit))
    return visit.render("approve_done.html", asked=asked, allowed=allowed) if asked else _wrong(visit, typed)


async def _decide_request(visit: Visit, id_: str, allowed: bool) -> Response:
    """Send the browser back to its program."""
    session = visit.person
    if allowed:
        await _record(visit, (await _request(visit, id_)).asked)
    decided = await CodeGrant(visit.runtime.expiring).decide(id_, session.person, session.team, allowed)
    if decided is None:
        raise PageError(410, "approve.over")
    request, code = decided
    told = {"code": code} if code else {"error": "access_denied", "error_description": "The person said no."}
    state = {"state": request.state} if request.state else {}
    issuer = public_url(visit.runtime.current.config, visit.request.scope)
    address = with_parameters(request.redirect_uri, **told, **state, iss=issuer)
    return visit.finish(RedirectResponse(address, 303), _FORMS)


async def _record(visit: Visit, asked: Asked) -> None:
    """Write a yes into the audit. Raises `Overloaded` where that cannot be: nothing is given then."""
    person = visit.person.person
    actor = Actor("person", person.email or person.user_id, via="session", address=_address(visit))
    program = {"program": asked.program.title, "known": asked.program.known, "address": asked.address}
    await visit.runtime.keys.audit.record("consent.given", program, actor=actor)


async def _request(visit: Visit, id_: str) -> Authorization:
    request = await CodeGrant(visit.runtime.expiring).find(id_)
    if request is None:
        raise PageError(410, "approve.over")
    return request


async def _with_code(visit: Visit, typed: str) -> Asked | None:
    return await DeviceGrant(visit.runtime.expiring).find(typed, *_triers(visit))


def _asking(visit: Visit, asked: Asked, *, code: str = "", request: str = "") -> Response:
    here = _address(visit)
    return visit.render(
        "approve.html",
        asked=asked,
        at=round(asked.asked_at * 1e6),
        code=code[:_LONGEST_SHOWN],
        request=request,
        here=here,
        is_elsewhere=here != asked.address,
        refusal=_refusal(visit),
        form_action=_FORMS if request else (),
    )


def _refusal(visit: Visit) -> str | None:
    """Return why the person gets no key, where that is so."""
    if not visit.person.is_somebody:
        return visit.t("approve.nobody")
    try:
        Tokens(visit.runtime).check(visit.person.person)
    except Forbidden as error:
        return words_of(error, visit.language)
    return None


def _typing(visit: Visit, typed: str = "", problem: str | None = None, status: int = 200) -> Response:
    return visit.render("approve_code.html", status, typed=typed[:_LONGEST_SHOWN], problem=problem)


def _wrong(visit: Visit, typed: str) -> Response:
    return _typing(visit, typed, visit.t("approve.wrong"), 404)


def _triers(visit: Visit) -> tuple[str, str]:
    """Return whose tries count: the person's, and the address's."""
    return f"person:{visit.person.subject}", f"address:{counted_as(_address(visit))}"


def _address(visit: Visit) -> str:
    scope = visit.request.scope
    return str(client_address(scope, headers_of(scope), visit.runtime.current.config.server) or "unknown")


PAGES = (Page(PAGE, "person", show, decide),)
