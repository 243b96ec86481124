"""What a person reads of a configuration."""

from collections.abc import Iterator, Mapping
from typing import Any

from install.wording import say


def lines(told: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of a report as `sekisho client` makes it."""
    yield say("Gateway {gateway}, model {model}.", gateway=told["gateway"], model=told["model"])
    if told["second_model"] and told["second_model"] != told["model"]:
        yield say("Model for quick tasks: {model}; another by --small-model.", model=told["second_model"])
    for file in told["files"]:
        yield ""
        yield from _file(file)
    yield from _by_hand(told)
    yield from _check(told)


def _file(file: Mapping[str, Any]) -> Iterator[str]:
    if "content" in file:
        yield f"# {file['path']}"
        yield str(file["content"]).rstrip("\n")
        return
    states = {
        "new": say("{path}: written.", path=file["path"]),
        "changed": say("{path}: changed.", path=file["path"]),
        "unchanged": say("{path}: everything is there already.", path=file["path"]),
    }
    yield states[file["state"]]
    for place in file["changed"]:
        yield f"  {place}"
    if file["backup"]:
        yield say("  Before: {backup}", backup=file["backup"])


def _by_hand(told: Mapping[str, Any]) -> Iterator[str]:
    if told["variables"]:
        yield ""
        yield say("Set these variables where the tool starts:")
        yield from (f"export {name}={value}" for name, value in told["variables"].items())
    if told["steps"]:
        yield ""
        yield from (f"- {step}" for step in told["steps"])


def _check(told: Mapping[str, Any]) -> Iterator[str]:
    if "check" not in told:
        return
    yield ""
    for path in told["ready"]:
        yield say("{path} does not say this yet; --write enters it.", path=path)
    outcome = told["check"]
    if outcome["ok"]:
        yield say("The gateway answers with the model {model}.", model=told["model"])
    else:
        yield f"{outcome['problem']} {outcome['remedy']}"
