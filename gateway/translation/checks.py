"""Members of clients' requests, checked for their types. An absent member is None, and so is null.

`where` is the path of the object that holds the member: empty for the request itself, else `messages[3].content[0]`.
"""

from typing import Any

from gateway.errors import InvalidRequest

Fields = dict[str, Any]


def path(where: str, name: str) -> str:
    """Return the path of a member, as errors name it."""
    return f"{where}.{name}" if where else name


def wrong_type(where: str, wanted: str) -> InvalidRequest:
    """Return the error for a value that is not `wanted`."""
    return InvalidRequest(f"The field '{where}' must be {wanted}.", code="invalid_type", param=where)


def missing(where: str, wanted: str) -> InvalidRequest:
    """Return the error for a member that is absent."""
    return InvalidRequest(f"The field '{where}' is missing; it must be {wanted}.", code="missing_field", param=where)


def unknown(where: str, found: object, known: str) -> InvalidRequest:
    """Return the error for a value that none of `known` is."""
    shown = str(found)[:100]
    return InvalidRequest(f"The field '{where}' must be one of {known}, not '{shown}'.", param=where)


def text(fields: Fields, name: str, where: str = "") -> str | None:
    """Return a string. Raises `InvalidRequest`."""
    found = fields.get(name)
    if found is None or isinstance(found, str):
        return found
    raise wrong_type(path(where, name), "a string")


def required_text(fields: Fields, name: str, where: str = "") -> str:
    """Return a string that must be there. Raises `InvalidRequest`."""
    found = fields.get(name)
    if isinstance(found, str):
        return found
    raise (missing if found is None else wrong_type)(path(where, name), "a string")


def name_of(fields: Fields, name: str, where: str) -> str:
    """Return a string that must be there and not be empty. Raises `InvalidRequest`."""
    found = required_text(fields, name, where)
    if found:
        return found
    at = path(where, name)
    raise InvalidRequest(f"The field '{at}' is empty; it must not be.", param=at)


def flag(fields: Fields, name: str, where: str = "") -> bool | None:
    """Return true or false. Raises `InvalidRequest`."""
    found = fields.get(name)
    if found is None or isinstance(found, bool):
        return found
    raise wrong_type(path(where, name), "true or false")


def number(fields: Fields, name: str, where: str = "") -> float | None:
    """Return a number. Raises `InvalidRequest`."""
    found = fields.get(name)
    if found is None or (isinstance(found, int | float) and not isinstance(found, bool)):
        return found
    raise wrong_type(path(where, name), "a number")


def integer(fields: Fields, name: str, where: str = "") -> int | None:
    """Return a whole number. Raises `InvalidRequest`."""
    found = fields.get(name)
    if found is None or (isinstance(found, int) and not isinstance(found, bool)):
        return found
    if isinstance(found, float) and found.is_integer():
        return int(found)
    raise wrong_type(path(where, name), "a whole number")


def object_(fields: Fields, name: str, where: str = "") -> Fields | None:
    """Return an object. Raises `InvalidRequest`."""
    found = fields.get(name)
    if found is None or isinstance(found, dict):
        return found
    raise wrong_type(path(where, name), "an object")


def required_object(fields: Fields, name: str, where: str = "") -> Fields:
    """Return an object that must be there. Raises `InvalidRequest`."""
    found = object_(fields, name, where)
    if found is None:
        raise missing(path(where, name), "an object")
    return found


def objects(fields: Fields, name: str, where: str = "") -> list[Fields]:
    """Return an array of objects; absent is empty. Raises `InvalidRequest`."""
    found = fields.get(name)
    if found is None:
        return []
    at = path(where, name)
    if not isinstance(found, list):
        raise wrong_type(at, "an array")
    for number, each in enumerate(found):
        if not isinstance(each, dict):
            raise wrong_type(f"{at}[{number}]", "an object")
    return found


def texts(found: Any, where: str) -> tuple[str, ...]:
    """Return a string or an array of strings as a tuple; None is empty. Raises `InvalidRequest`."""
    if found is None:
        return ()
    if isinstance(found, str):
        return (found,)
    if isinstance(found, list) and all(isinstance(each, str) for each in found):
        return tuple(found)
    raise wrong_type(where, "a string or an array of strings")
