"""Sign in and out."""

import secrets

import msgspec
from starlette.responses import Response
from starlette.types import Scope

from gateway.config.schema import Config
from gateway.db.expiring import Entry
from gateway.identity.person import Person
from gateway.runtime import Runtime
from gateway.sessions.cookies import SESSION, cookie, drop_cookie, set_cookie
from gateway.sessions.session import Session, Source, Stored, fingerprint, led_by, role_of, subject_of

KIND = "session"
_DEFAULT_HOURS = 8.0


async def signed_in(runtime: Runtime, scope: Scope) -> Session | None:
    """Return the session that a request's cookie names; None where there is none, or it has ended.

    Role and teams are those of the present configuration: who is taken from it sees nothing any more, at once.
    """
    id_ = cookie(runtime.current.config, scope, SESSION)
    entry = await runtime.expiring.get(KIND, id_) if id_ else None
    return _session(runtime, entry) if entry else None


async def sign_in(
    runtime: Runtime,
    scope: Scope,
    response: Response,
    person: Person,
    source: Source,
    *,
    key_id: str | None = None,
    teams: tuple[str, ...] = (),
) -> None:
    """Begin a session with a new id, and end the one that the browser had: nobody can choose another's."""
    config = runtime.current.config
    if old := cookie(config, scope, SESSION):
        await runtime.expiring.delete(KIND, old)
    shown = fingerprint(config) if source == "admin-key" else None
    stored = Stored(person, source, secrets.token_urlsafe(32), key_id, shown, teams)
    seconds = round(session_hours(config) * 3600)
    id_ = await runtime.expiring.put(KIND, subject_of(person, source), msgspec.json.encode(stored), seconds)
    assert id_, "a random id is not taken"
    set_cookie(response, config, scope, SESSION, id_, seconds)


async def sign_out(runtime: Runtime, scope: Scope, response: Response) -> None:
    """End the session of this browser."""
    if id_ := cookie(runtime.current.config, scope, SESSION):
        await runtime.expiring.delete(KIND, id_)
    drop_cookie(response, runtime.current.config, scope, SESSION)


async def sign_out_everywhere(runtime: Runtime, scope: Scope, response: Response, session: Session) -> int:
    """End all that a person has begun: sessions, links, sign-ins of programs; return how many there were.

    Sign-ins at tool servers stay, as keys do.
    """
    drop_cookie(response, runtime.current.config, scope, SESSION)
    return int(await runtime.expiring.delete_of(None, session.subject))


async def sessions_of(runtime: Runtime, session: Session) -> list[Session]:
    """Return all sessions of a person, the newest first."""
    entries = await runtime.expiring.list_of(KIND, session.subject)
    return [found for entry in entries if (found := _session(runtime, entry))]


def session_hours(config: Config) -> float:
    """Return after how many hours people sign in again."""
    return config.console.session_hours if config.console else _DEFAULT_HOURS


def _session(runtime: Runtime, entry: Entry) -> Session | None:
    """Return a stored session; None where what vouched for it is gone."""
    config = runtime.current.config
    try:
        stored = msgspec.json.decode(entry.content, type=Stored)
    except msgspec.DecodeError:  # of another version of this program
        return None
    key = runtime.keys.by_id(stored.key_id) if stored.key_id else None
    if stored.key_id and (key is None or not key.valid_now):
        return None
    if stored.source == "admin-key" and stored.admin_key != fingerprint(config):
        return None
    return Session(
        person=stored.person,
        source=stored.source,
        role=role_of(stored.person, stored.source, config),
        leads=led_by(stored.person, config),
        csrf=stored.csrf,
        handle=entry.handle,
        created_at=entry.created_at,
        expires_at=entry.expires_at,
        teams=stored.teams,
    )
