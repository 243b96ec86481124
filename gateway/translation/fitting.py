"""What a model is known to take of a request in its own dialect: values are refused by name, defaults left out."""

from gateway import wire
from gateway.errors import InvalidRequest
from gateway.profiles.profile import Profile
from gateway.wire import Members

_LONGEST_SHOWN = 40


def fit(dialect: str, profile: Profile, fields: Members) -> None:
    """Check the members of a request, and leave out those that only say the default, which the model refuses.

    Raises `InvalidRequest` naming the member and the values that it may have.
    """
    for name, values in profile.choices.get(dialect, {}).items():
        if name in fields and (found := wire.value(fields, name)) not in (None, "", *values):
            raise InvalidRequest(
                f"The model does not take '{str(found)[:_LONGEST_SHOWN]}' as '{name}'; it takes: {', '.join(values)}.",
                code="unsupported_value",
                param=name,
            )
    for name, default in profile.defaults.get(dialect, {}).items():
        if name in fields and wire.value(fields, name) == default:
            del fields[name]
