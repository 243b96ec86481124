"""Tools of a client's request, and which of them may be called. Source: the same page as of `part_reader`."""

from collections.abc import Iterator
from typing import Any

from gateway.translation import checks
from gateway.translation.conversation import CustomTool, FunctionTool, ServerTool, Tool, ToolChoice
from gateway.translation.responses.names import RESPONSES, SEPARATOR, own_of, responses_own

Fields = dict[str, Any]

_FUNCTION = ("type", "name", "description", "parameters", "strict")
_CUSTOM = ("type", "name", "description", "format")
_NAMED = ("function", "custom")
_MODES = ("none", "auto", "required")


def read_tools(fields: Fields) -> tuple[Tool, ...]:
    """Return `tools`; those of a namespace under its name and their own. Raises `InvalidRequest`."""
    tools = enumerate(checks.objects(fields, "tools"))
    return tuple(tool for number, each in tools for tool in _tools(each, f"tools[{number}]"))


def _tools(tool: Fields, where: str) -> Iterator[Tool]:
    kind = checks.name_of(tool, "type", where)
    if kind == "function":
        yield _function(tool, where)
    elif kind == "custom":
        yield _custom(tool, where)
    elif kind == "namespace":
        yield from _namespace(tool, where)
    else:
        yield ServerTool(dialect=RESPONSES, content=tool)


def _function(tool: Fields, where: str) -> FunctionTool:
    return FunctionTool(
        name=checks.name_of(tool, "name", where),
        description=checks.text(tool, "description", where),
        schema=checks.object_(tool, "parameters", where),
        strict=checks.flag(tool, "strict", where),
        own=own_of(tool, _FUNCTION),
    )


def _custom(tool: Fields, where: str) -> CustomTool:
    form, at = checks.object_(tool, "format", where) or {}, f"{where}.format"
    grammar = None
    if form.get("type") == "grammar":
        texts = {name: checks.required_text(form, name, at) for name in ("syntax", "definition")}
        grammar = texts
    return CustomTool(
        name=checks.name_of(tool, "name", where),
        description=checks.text(tool, "description", where),
        grammar=grammar,
        own=own_of(tool, _CUSTOM),
    )


def _namespace(space: Fields, where: str) -> Iterator[Tool]:
    name = checks.name_of(space, "name", where)
    about = {each: found for each, found in space.items() if each not in ("type", "tools")}
    for number, tool in enumerate(checks.objects(space, "tools", where)):
        for inner in _tools(tool, f"{where}.tools[{number}]"):
            if isinstance(inner, FunctionTool | CustomTool):
                own = {RESPONSES: {**responses_own(inner.own), "namespace": about}}
                yield type(inner)(**{**_as_fields(inner), "name": f"{name}{SEPARATOR}{inner.name}", "own": own})
            else:
                yield inner


def _as_fields(tool: FunctionTool | CustomTool) -> Fields:
    return {name: getattr(tool, name) for name in tool.__struct_fields__}


def read_choice(fields: Fields) -> ToolChoice | None:
    """Return `tool_choice`. Raises `InvalidRequest`."""
    found = fields.get("tool_choice")
    if found is None:
        return None
    if isinstance(found, str) and found in _MODES:
        return ToolChoice(mode=found)  # type: ignore[arg-type]  # the table has nothing but modes
    if not isinstance(found, dict):
        raise checks.unknown("tool_choice", found, "none, auto, required, or an object that names a tool")
    kind = found.get("type")
    if kind == "allowed_tools":
        return _allowed(found)
    if kind in _NAMED:
        return ToolChoice(mode="named", name=checks.name_of(found, "name", "tool_choice"))
    if not isinstance(kind, str):
        raise checks.missing("tool_choice.type", "the kind of a tool")
    return ToolChoice(mode="named", name=kind)


def _allowed(found: Fields) -> ToolChoice:
    mode = found.get("mode", "auto")
    if mode not in ("auto", "required"):
        raise checks.unknown("tool_choice.mode", mode, "auto, required")
    tools = enumerate(checks.objects(found, "tools", "tool_choice"))
    names = (tool.get("name") or checks.name_of(tool, "type", f"tool_choice.tools[{number}]") for number, tool in tools)
    return ToolChoice(mode=mode, allowed=tuple(str(name) for name in names))
