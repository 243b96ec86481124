"""Tools of a client's request, which may be called and how. Source: the same page as of `part_reader`."""

from typing import Any

from gateway.translation import checks
from gateway.translation.chat.names import CHAT, cache_of, own_of
from gateway.translation.conversation import CustomTool, FunctionTool, ServerTool, Tool, ToolChoice

Fields = dict[str, Any]

_FUNCTION = frozenset(("name", "description", "parameters", "strict", "cache_control"))
_CUSTOM = frozenset(("name", "description", "format"))
_OUTER = frozenset(("type", "function", "custom", "cache_control"))
_MODES = {"none": "none", "auto": "auto", "required": "required", "any": "required"}
"""`any` is Mistral's word."""
_CHOICES = "none, auto, required, or an object that names a tool"


def read_tools(fields: Fields) -> tuple[Tool, ...]:
    """Return `tools` and the older `functions`. Raises `InvalidRequest` that names the member at fault."""
    tools = [_tool(each, f"tools[{number}]") for number, each in enumerate(checks.objects(fields, "tools"))]
    functions = enumerate(checks.objects(fields, "functions"))
    return (*tools, *(_function({"function": each}, each, f"functions[{number}]") for number, each in functions))


def _tool(tool: Fields, where: str) -> Tool:
    kind = checks.text(tool, "type", where)
    if kind == "function" or (kind is None and "function" in tool):
        return _function(tool, checks.required_object(tool, "function", where), f"{where}.function")
    if kind == "custom":
        return _custom(tool, checks.required_object(tool, "custom", where), f"{where}.custom")
    if not kind:
        raise checks.missing(f"{where}.type", "'function' or 'custom'")
    return ServerTool(dialect=CHAT, content=tool)


def _function(tool: Fields, found: Fields, where: str) -> FunctionTool:
    inner, outer = own_of(found, _FUNCTION), own_of(tool, _OUTER)
    own = dict(outer.get(CHAT, {}))
    if inner:
        own["function"] = inner[CHAT]
    return FunctionTool(
        name=checks.name_of(found, "name", where),
        description=checks.text(found, "description", where),
        schema=checks.object_(found, "parameters", where),
        strict=checks.flag(found, "strict", where),
        cache=cache_of(tool) or cache_of(found),
        own={CHAT: own} if own else {},
    )


def _custom(tool: Fields, found: Fields, where: str) -> CustomTool:
    inner, outer = own_of(found, _CUSTOM), own_of(tool, _OUTER)
    own = dict(outer.get(CHAT, {}))
    if inner:
        own["custom"] = inner[CHAT]
    return CustomTool(
        name=checks.name_of(found, "name", where),
        description=checks.text(found, "description", where),
        grammar=_grammar(found, where),
        cache=cache_of(tool),
        own={CHAT: own} if own else {},
    )


def _grammar(found: Fields, where: str) -> Fields | None:
    form, at = checks.object_(found, "format", where), f"{where}.format"
    if form is None or form.get("type") == "text":
        return None
    if form.get("type") != "grammar":
        raise checks.unknown(f"{at}.type", form.get("type"), "text, grammar")
    grammar, at = checks.required_object(form, "grammar", at), f"{at}.grammar"
    syntax = checks.required_text(grammar, "syntax", at)
    if syntax not in ("lark", "regex"):
        raise checks.unknown(f"{at}.syntax", syntax, "lark, regex")
    return {"syntax": syntax, "definition": checks.required_text(grammar, "definition", at)}


def read_choice(fields: Fields) -> ToolChoice | None:
    """Return `tool_choice`, or the older `function_call`. Raises `InvalidRequest`."""
    if (found := fields.get("tool_choice")) is not None:
        return _choice(found, "tool_choice")
    found = fields.get("function_call")
    if isinstance(found, dict):
        return ToolChoice(mode="named", name=checks.name_of(found, "name", "function_call"))
    return None if found is None else _mode(found, "function_call")


def _choice(found: Any, where: str) -> ToolChoice:
    if not isinstance(found, dict):
        return _mode(found, where)
    kind = found.get("type")
    if kind == "allowed_tools":
        return _allowed(checks.required_object(found, kind, where), f"{where}.{kind}")
    if kind in ("function", "custom"):
        named = checks.required_object(found, kind, where)
        return ToolChoice(mode="named", name=checks.name_of(named, "name", f"{where}.{kind}"))
    raise checks.unknown(f"{where}.type", kind, "function, custom, allowed_tools")


def _mode(found: Any, where: str) -> ToolChoice:
    if isinstance(found, str) and found in _MODES:
        return ToolChoice(mode=_MODES[found])  # type: ignore[arg-type]  # the table has nothing but modes
    raise checks.unknown(where, found, _CHOICES)


def _allowed(found: Fields, where: str) -> ToolChoice:
    mode = found.get("mode")
    if mode not in ("auto", "required"):
        raise checks.unknown(f"{where}.mode", mode, "auto, required")
    names = []
    for number, tool in enumerate(checks.objects(found, "tools", where)):
        kind, at = ("custom" if tool.get("type") == "custom" else "function"), f"{where}.tools[{number}]"
        names.append(checks.name_of(checks.required_object(tool, kind, at), "name", f"{at}.{kind}"))
    return ToolChoice(mode=mode, allowed=tuple(names))
