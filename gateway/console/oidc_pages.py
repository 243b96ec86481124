"""Pages of signing in with the company's OpenID provider: they lead there, and take up who comes back."""

import logging
import secrets

from starlette.responses import RedirectResponse, Response

from gateway.api.client import headers_of
from gateway.config.oidc import Oidc
from gateway.console.page import SIGN_IN, Page
from gateway.console.refusals import PageError
from gateway.console.security import own_path
from gateway.console.visit import Visit
from gateway.network import client_address, counted_as
from gateway.sessions.cookies import cookie, drop_cookie, public_url, set_cookie
from gateway.sessions.signing import session_hours, sign_in, sign_out
from gateway.signin.errors import SignInFailed
from gateway.signin.flow import begin, finish, query_of, sign_out_url
from gateway.signin.provider import Provider

log = logging.getLogger("sekisho.signin")

START, CALLBACK, SIGN_OUT = "/console/sign-in/oidc", "/console/sign-in/oidc/callback", "/console/sign-out/oidc"
BROWSER = "sekisho-oidc"
"""Cookie that binds a way to the provider, and later the provider's token, to one browser."""
_LONGEST_BROWSER = 64
"""Characters of our own values; anything longer would be stored for whoever sends it."""
_TOKEN = "oidc_token"
_START_SECONDS = 3600


def oidc_of(visit: Visit) -> Oidc | None:
    """Return the settings of the company's provider, where there is one."""
    console = visit.runtime.current.config.console
    return console.oidc if console else None


async def start(visit: Visit) -> Response:
    """Lead to the provider."""
    oidc, next_ = _configured(visit), own_path(visit.query.get("next"))
    config, scope = visit.runtime.current.config, visit.request.scope
    known = visit.cookie(BROWSER)
    browser = known if known and len(known) <= _LONGEST_BROWSER else secrets.token_urlsafe(32)
    try:
        url = await begin(
            _provider(visit, oidc),
            oidc,
            visit.runtime.expiring,
            browser=browser,
            address=counted_as(client_address(scope, headers_of(scope), config.server)),
            redirect_uri=f"{public_url(config, scope)}{CALLBACK}",
            next_=next_,
        )
    except SignInFailed as error:
        return _refused(visit, oidc, error, next_)
    response = visit.finish(RedirectResponse(url, 303))
    set_cookie(response, config, scope, BROWSER, browser, _START_SECONDS)
    return response


async def come_back(visit: Visit) -> Response:
    """Sign in who comes back from the provider."""
    oidc, config, scope = _configured(visit), visit.runtime.current.config, visit.request.scope
    query = query_of(scope["query_string"].decode("latin-1"))
    store, browser = visit.runtime.expiring, cookie(config, scope, BROWSER)
    try:
        done = await finish(_provider(visit, oidc), oidc, store, browser=browser, query=query)
    except SignInFailed as error:
        return _refused(visit, oidc, error, None)
    response = visit.redirect(done.next)
    await sign_in(visit.runtime, scope, response, done.person, "oidc")
    seconds = round(session_hours(config) * 3600)
    token = await store.put(_TOKEN, done.person.email or "", done.id_token.encode(), seconds)
    set_cookie(response, config, scope, BROWSER, token or "", seconds)
    return response


async def leave_provider(visit: Visit) -> Response:
    """Sign out here, and lead to the provider, where the session ends, too."""
    oidc, config, scope = _configured(visit), visit.runtime.current.config, visit.request.scope
    if visit.request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return visit.redirect(SIGN_IN)
    back = f"{public_url(config, scope)}{SIGN_IN}"
    try:
        metadata = await _provider(visit, oidc).metadata()
    except SignInFailed as error:
        return _refused(visit, oidc, error, None)
    token = await visit.runtime.expiring.take(_TOKEN, visit.cookie(BROWSER) or "")
    url = sign_out_url(metadata, oidc, token.content.decode() if token else None, back)
    response = visit.finish(RedirectResponse(url, 303)) if url else visit.redirect(SIGN_IN, done="here")
    if visit.session and visit.session.source == "oidc":
        await sign_out(visit.runtime, scope, response)
    drop_cookie(response, config, scope, BROWSER)
    return response


def problem_of(visit: Visit) -> str | None:
    """Return the sentence of a problem that the address of the sign-in page names."""
    oidc, reason = oidc_of(visit), visit.query.get("oidc")
    sentence = _SENTENCES.get(reason or "")
    return visit.t(sentence, name=oidc.name) if oidc and sentence else None


def is_offered_there(visit: Visit) -> bool:
    """Return whether who has just signed out here can sign out at the provider, too."""
    oidc = oidc_of(visit)
    return oidc is not None and oidc.sign_out_there and "done" in visit.query and bool(visit.cookie(BROWSER))


_SENTENCES = {
    reason: f"oidc.{reason}"
    for reason in ("unreachable", "setup", "state", "refused", "token", "clock", "no_mail", "domain")
}


def _configured(visit: Visit) -> Oidc:
    if oidc := oidc_of(visit):
        return oidc
    raise PageError(404, "oidc.off")


def _provider(visit: Visit, oidc: Oidc) -> Provider:
    """Return the provider of the present configuration, with what is known of it."""
    state = visit.request.app.state
    known: Provider | None = getattr(state, "openid_provider", None)
    if known is None or known.issuer != oidc.issuer:
        known = state.openid_provider = Provider(oidc.issuer, visit.runtime.client)
    return known


def _refused(visit: Visit, oidc: Oidc, error: SignInFailed, next_: str | None) -> Response:
    """Lead to the sign-in page, which says what to do; the log says why."""
    log.warning("signing in with %s did not work (%s): %s", oidc.name, error.reason, error)
    return visit.redirect(SIGN_IN, oidc=error.reason, next=own_path(next_))


PAGES = (
    Page(START, None, start),
    Page(CALLBACK, None, come_back),
    Page(SIGN_OUT, None, leave_provider),
)
