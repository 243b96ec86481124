"""The person behind a key that asks no model: its owner, or whom Open WebUI's signature names."""

from collections.abc import Mapping

from gateway.errors import Unauthenticated
from gateway.identity.caller import Caller
from gateway.identity.keys import Key
from gateway.identity.person import Person, identify
from gateway.runtime import Runtime


def person_of(runtime: Runtime, key: Key, headers: Mapping[str, str]) -> Person:
    """Return the person. Raises `Unauthenticated` where the key speaks for others and does not prove for whom."""
    person = identify(key, headers, None, None, runtime.current.config.open_webui.identity_secret)
    if key.identity and person.source != "jwt":
        raise Unauthenticated(
            "This key speaks for others: name the person in 'X-OpenWebUI-User-Jwt', signed with "
            "'open_webui.identity_secret'.",
            code="invalid_identity",
        )
    return person


def caller_of(runtime: Runtime, key: Key, headers: Mapping[str, str]) -> Caller:
    """Return the person with the team for which they act. Raises `Unauthenticated` as `person_of` does."""
    return runtime.current.caller(runtime.keys, key, person_of(runtime, key, headers))
