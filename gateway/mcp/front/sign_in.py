"""A client's person who has to sign in at a tool server first: the link, as the client can show it."""

import secrets
from typing import Any

from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR

from gateway.config.mcp import McpServer
from gateway.identity.keys import hash_secret
from gateway.mcp.capabilities import missing_for
from gateway.mcp.errors import SignInNeeded
from gateway.mcp.front.client import Client
from gateway.mcp.front.exchange import McpExchange, exchange_of
from gateway.mcp.hub import Hub
from gateway.mcp.oauth.people import links_secret, mark_of, person_name
from gateway.mcp.protocol import META, URL_ELICITATION_REQUIRED, Params, Result
from gateway.mcp.relay.results import FAILURE, failed
from gateway.mcp.relay.state import State, asked_by, encode
from gateway.sessions.cookies import public_url
from gateway.wording.languages import languages

CODE = "mcp_sign_in_needed"
_QUESTION = "sign_in"
_LANGUAGE = "sekisho/language"
"""In `_meta` of a request: the language of who asks, of clients whose headers do not tell it."""
_LONGEST_WAIT = 120.0
_ASKED = {
    "en": "Sign in to “{server}” to use its tools: open the link and come back when you are done.",
    "ja": "「{server}」のツールを使うにはサインインが必要です。リンクを開き、完了したらこの画面に戻ってください。",
}
_TOLD = {
    "en": "Please sign in to “{server}” first: {link}",
    "ja": "先に「{server}」にサインインしてください：{link}",
}


class SignIn:
    """Answers calls of people who are not signed in."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def carried_on(self, client: Client, params: Params) -> Params:
        """Return a call without the answer to our question, once the person has signed in. Raises `SignInNeeded`."""
        server = asked_by(params.get("requestState"))
        if server is None or not self._hub.signs_in(server, client.caller):
            return params
        plain = {name: value for name, value in params.items() if name not in ("requestState", "inputResponses")}
        answered = params.get("inputResponses")
        answer = answered.get(_QUESTION) if isinstance(answered, dict) else None
        if not isinstance(answer, dict) or answer.get("action") != "accept":
            raise SignInNeeded(server, "the person did not want to sign in", asked=True)
        place = server, person_name(client.caller.person)
        seconds = min(self._hub.server(server).timeouts.ask, _LONGEST_WAIT)
        if not await self._hub.arrivals.wait(place, lambda: self._hub.is_signed_in(*place), seconds):
            raise SignInNeeded(server, "the person has not finished signing in", asked=True)
        return plain

    def question(self, client: Client, error: SignInNeeded) -> Result | None:
        """Return the question with which a newer client shows the link, None where it cannot.

        Raises `MCPError`, with which an older client shows it.
        """
        link = self.link(client, error.server)
        if link is None or error.asked:
            return None
        words = _ASKED[self._language(client)].format(server=self._title(error.server))
        asked: dict[str, Any] = {"mode": "url", "url": link, "message": words}
        if missing_for("elicitation/create", asked, client.capabilities) is not None:
            return None
        if client.modern:
            questions = {_QUESTION: {"method": "elicitation/create", "params": asked}}
            state = encode(State("sign_in", error.server))
            return {"resultType": "input_required", "inputRequests": questions, "requestState": state}
        raise MCPError(URL_ELICITATION_REQUIRED, words, {"elicitations": [self._noted(client, error.server, asked)]})

    def failure(self, client: Client, error: SignInNeeded) -> Result:
        """Return the result of a tool from which a model learns what the person has to do."""
        return {**failed(self.words(client, error)), META: self._about(client, error)}

    def refusal(self, client: Client, error: SignInNeeded) -> MCPError:
        """Return the same as an error, for requests whose results cannot say it."""
        return MCPError(INTERNAL_ERROR, self.words(client, error), self._about(client, error))

    def words(self, client: Client, error: SignInNeeded) -> str:
        """Return what is wrong, for a model to go on from, with the link for the person where there is one."""
        link = self.link(client, error.server)
        why = f"The tool server '{error.server}' cannot be used: {error.reason}."
        if link is None:
            return f"{why} Tell the person who asks."
        shown = _TOLD[self._language(client)].format(server=self._title(error.server), link=link)
        return f"{why} Give the person this sentence with the link, and call the tool again when they are done. {shown}"

    def link(self, client: Client, server: str) -> str | None:
        """Return the address at which a client's person signs in, None where signing in does not help."""
        if not self._hub.signs_in(server, client.caller):
            return None
        exchange = _exchange(client)
        mark = mark_of(links_secret(hash_secret(self._hub.config)), server, person_name(client.caller.person))
        return f"{public_url(self._hub.config, exchange.scope)}/mcp-sign-in/{server}?for={mark}"

    def _about(self, client: Client, error: SignInNeeded) -> Params:
        """Return what a program reads of it."""
        link = self.link(client, error.server)
        return {FAILURE: {"code": CODE, "server": error.server, **({"sign_in": link} if link else {})}}

    def _noted(self, client: Client, server: str, asked: Params) -> Params:
        """Return a question of an older revision, whose client is told when the person has signed in."""
        id_, session = secrets.token_urlsafe(12), client.session
        if session is not None:
            send, notify = self._hub.events.send, session.notify
            place = server, person_name(client.caller.person)
            self._hub.arrivals.asked(place, lambda method, params: send(notify, method, params), id_)
        return {**asked, "elicitationId": id_}

    def _title(self, name: str) -> str:
        server: McpServer = self._hub.server(name)
        return server.title or name

    def _language(self, client: Client) -> str:
        meta = (client.ctx.params or {}).get("_meta")
        told = meta.get(_LANGUAGE) if isinstance(meta, dict) else None
        chosen = told if isinstance(told, str) else client.caller.person.language
        return languages(chosen, _exchange(client).headers.get("accept-language"))[0]


def _exchange(client: Client) -> McpExchange:
    return exchange_of(client.ctx)
