"""Remove persons from records; requests, tokens and costs stay. `persons` are ids and addresses in lower case."""

import os
from collections.abc import Iterable
from pathlib import Path

from gateway.casing import lower
from gateway.ledger.duck import COLUMNS, quoted
from gateway.ledger.lines import from_line
from gateway.ledger.segments import SHIPPED, folder
from gateway.maintenance import litellm

_PERSONAL = ("user_id", "user_email", "user_name", "user_role", "chat_id", "message_id", "client_ip")
_OWN_KEY = ("key_id", "key_alias")
"""Columns that identify a person whose own key it is."""


def anonymized(name: str, persons: set[str], when: str = "true") -> str:
    """Return a column as SQL, empty where it identifies one of the persons and `when` holds."""
    theirs = f"({when} AND {is_one_of(persons)})"
    if name == "user_groups":
        others = f"list_filter({name}, lambda each: lower(each) NOT IN {listed(persons)})"
        return f"CASE WHEN {theirs} THEN [] WHEN {when} THEN {others} ELSE {name} END"
    if COLUMNS[name] != "VARCHAR" or name == "request_id":
        return name
    if name in _PERSONAL:
        # Somebody else's display name may be the person's address.
        return f"CASE WHEN {theirs} OR ({when} AND lower({name}) IN {listed(persons)}) THEN NULL ELSE {name} END"
    own = f"({theirs} AND identity_source = 'key')" if name in _OWN_KEY else "false"
    return f"CASE WHEN {own} OR ({when} AND lower({name}) IN {listed(persons)}) THEN NULL ELSE {name} END"


def is_one_of(persons: set[str]) -> str:
    """Return an SQL condition that is never NULL: whether the record is one of the persons'."""
    return f"coalesce(lower(user_id) IN {listed(persons)} OR lower(user_email) IN {listed(persons)}, false)"


def listed(persons: Iterable[str], brackets: str = "()") -> str:
    """Return texts as an SQL list, in the given brackets."""
    return f"{brackets[0]}{', '.join(map(quoted, sorted(persons)))}{brackets[1]}"


def blank_segments(data_dir: Path, persons: set[str]) -> None:
    """Overwrite the persons' lines with spaces in shipped segments and copies, so that offsets stay valid."""
    aside = (data_dir / "ledger" / "damaged").glob("*")
    for path in (*folder(data_dir).glob(f"*{SHIPPED}"), *aside, *litellm.folder(data_dir).glob("*")):
        place = 0
        with path.open("rb+") as file:
            for line in file.readlines():
                if _names(line, persons):
                    os.pwrite(file.fileno(), b" " * (len(line) - 1), place)
                place += len(line)
            os.fsync(file.fileno())


def _names(line: bytes, persons: set[str]) -> bool:
    record = from_line(line)
    if record:
        texts = (record.user_id, record.user_email, record.user_name, *record.user_groups)
        return any(lower(text or "") in persons for text in texts)
    lowered = lower(line.decode(errors="replace"))
    return any(person in lowered for person in persons)
