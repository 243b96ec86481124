"""The header `WWW-Authenticate` of a tool server (RFC 9110, RFC 6750, RFC 9728). Pure."""

import re
from collections.abc import Iterable, Iterator

import msgspec

_LONGEST = 8192
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PARAMETER = re.compile(rf'({_TOKEN})[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))')
_SCHEME = re.compile(_TOKEN)
_QUOTED_PAIR = re.compile(r"\\(.)")
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,200}")
MOST_SCOPES = 100


class Challenge(msgspec.Struct, frozen=True):
    """What a server says about the token that it wants."""

    resource_metadata: str = ""
    scopes: tuple[str, ...] = ()
    error: str = ""

    @property
    def wants_more(self) -> bool:
        """Return whether the token is good, but grants too little."""
        return self.error == "insufficient_scope"


def challenge_of(header: str) -> Challenge:
    """Return the challenge for a bearer token, empty where the header has none; one with metadata goes first."""
    found = [
        Challenge(each.get("resource_metadata", ""), scopes_of(each.get("scope", "")), each.get("error", ""))
        for scheme, each in _challenges(header[:_LONGEST])
        if scheme == "bearer"
    ]
    return next((each for each in found if each.resource_metadata), found[0] if found else Challenge())


def scopes_of(text: object) -> tuple[str, ...]:
    """Return the scopes of a list with spaces, each once; what is none (RFC 6749, section 3.3) is left out."""
    return valid_scopes(text.split(" ")) if isinstance(text, str) else ()


def valid_scopes(scopes: Iterable[object]) -> tuple[str, ...]:
    """Return the scopes that may be asked for, each once, in their order."""
    valid = (each for each in scopes if isinstance(each, str) and _SCOPE.fullmatch(each))
    return tuple(dict.fromkeys(valid))[:MOST_SCOPES]


def _challenges(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the scheme and the parameters of each challenge."""
    scheme, parameters, place = "", dict[str, str](), 0
    while place < len(text):
        parameter = _PARAMETER.match(text, place) if scheme else None
        if parameter:
            name, quoted, plain = parameter.groups()
            parameters.setdefault(name.lower(), plain if quoted is None else _QUOTED_PAIR.sub(r"\1", quoted))
            place = parameter.end()
        elif word := _SCHEME.match(text, place):
            if scheme:
                yield scheme, parameters
            scheme, parameters, place = word.group().lower(), {}, word.end()
        else:
            place += 1
    if scheme:
        yield scheme, parameters
