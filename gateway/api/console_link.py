"""`POST /v1/me/console-link`: a link with which Open WebUI signs a person in to the console, once."""

import msgspec
from starlette.types import Receive, Scope, Send

from gateway import wire
from gateway.api.authenticate import authenticate_reader
from gateway.api.client import Answer, ClientGone, headers_of, read_body
from gateway.api.telling import refuse
from gateway.errors import ApiError, Forbidden, InvalidRequest, NotFound, Unauthenticated
from gateway.identity.keys import Key
from gateway.identity.person import TOKEN_FIELD, Person, identify
from gateway.runtime import Runtime
from gateway.sessions.cookies import public_url

KIND = "link"
SECONDS = 60
_MOST = 20
_LARGEST_BODY = 16 * 1024


class Link(msgspec.Struct, frozen=True):
    """What a one-time link says."""

    person: Person
    key_id: str
    teams: tuple[str, ...] = ()


class ConsoleLink:
    """The ASGI application."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = Answer(send)
        try:
            key = await authenticate_reader(self._runtime, scope)
            person = await self._person(key, scope, receive)
            link = msgspec.json.encode(Link(person, key.id, (key.team,) if key.team else ()))
            subject = person.email or person.user_id or ""
            id_ = await self._runtime.expiring.put(KIND, subject, link, SECONDS, most=_MOST)
            url = f"{public_url(self._runtime.current.config, scope)}/console/enter/{id_}"
            content = wire.encode({"url": url, "expires_in": SECONDS})
            await answer.whole(200, [(b"cache-control", b"no-store")], content)
        except ApiError as error:
            await refuse(answer, error, scope)
        except ClientGone:
            return

    async def _person(self, key: Key, scope: Scope, receive: Receive) -> Person:
        """Return who is to be signed in: whom Open WebUI's signature names, and nobody else."""
        config = self._runtime.current.config
        if config.console is False:
            raise NotFound("There is no console here ('console' in the configuration is false).")
        if key.identity != "open-webui":
            raise Forbidden("Only Open WebUI's key can ask for such a link ('identity: open-webui').")
        body = await read_body(scope, receive, _LARGEST_BODY)
        person = identify(key, headers_of(scope), _token(body), None, config.open_webui.identity_secret)
        if person.source not in ("jwt", "token"):
            raise Unauthenticated(
                "Name the person in 'X-OpenWebUI-User-Jwt', signed with 'open_webui.identity_secret'.",
                code="invalid_identity",
            )
        return msgspec.structs.replace(person, chat_id=None, message_id=None, task=None)


def _token(body: bytes) -> str | None:
    """Return the signed token of the body, if it has one. Raises `InvalidRequest`."""
    try:
        given = msgspec.json.decode(body or b"{}", type=dict[str, object])
    except (ValueError, RecursionError) as error:
        raise InvalidRequest("The request body must be a JSON object.", code="invalid_json") from error
    token = given.get(TOKEN_FIELD)
    return token if isinstance(token, str) else None
