"""Who makes a change: set for the time of a request, otherwise the system user of the process."""

import contextlib
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Literal

import msgspec

_NO_LOGIN = 2**32 - 1


class Actor(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who acts.

    `kind`: a person, the admin key, a system user (command line), or the gateway itself. `via` tells how the person is
    known: session, key, command, file.
    """

    kind: Literal["person", "admin_key", "system", "gateway"]
    name: str | None = None
    via: str | None = None
    address: str | None = None
    host: str | None = None


_ACTING: ContextVar[Actor | None] = ContextVar("acting", default=None)


@contextmanager
def acting(actor: Actor) -> Iterator[None]:
    """Record changes within the block as this actor's; tasks that are started in it inherit it."""
    token = _ACTING.set(actor)
    try:
        yield
    finally:
        _ACTING.reset(token)


def acting_unless_known(actor: Actor) -> contextlib.AbstractContextManager[None]:
    """Record changes within the block as this actor's, where none was set by then."""
    return contextlib.nullcontext() if _ACTING.get() else acting(actor)


def current_actor() -> Actor:
    """Return the actor of this moment; the system user where none was set."""
    return _ACTING.get() or system_user()


def system_user() -> Actor:
    """Return the system user who runs this process; who logged in, where `sudo` made another of them."""
    user, login = _user_name(os.getuid()), _login()
    name = user if login in (None, user) else f"{user} (login {login})"
    return Actor("system", name, via="command", host=socket.gethostname())


def _login() -> str | None:
    """Return the name with which the session began, which the kernel keeps; None where it knows of none."""
    with contextlib.suppress(OSError, ValueError):
        uid = int(Path("/proc/self/loginuid").read_text())
        return None if uid == _NO_LOGIN else _user_name(uid)
    return None


def _user_name(uid: int) -> str:
    import pwd

    with contextlib.suppress(KeyError):
        return pwd.getpwuid(uid).pw_name
    return f"uid {uid}"
