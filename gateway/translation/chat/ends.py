"""Why answers ended, in the words of many servers of this dialect."""

from typing import Any

from gateway.translation.answer import EndReason

_REASONS: dict[str, EndReason] = {
    "stop": "stop",
    "eos": "stop",
    "end_turn": "stop",
    "complete": "stop",
    "stop_sequence": "stop_sequence",
    "length": "length",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "model_length": "length",
    "tool_calls": "tool_calls",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "safety": "content_filter",
    "sensitive": "content_filter",
    "recitation": "content_filter",
    "prohibited_content": "content_filter",
    "blocklist": "content_filter",
    "error": "content_filter",
    "abort": "content_filter",
    "network_error": "content_filter",
    "insufficient_system_resource": "content_filter",
    "malformed_function_call": "content_filter",
}
"""`sensitive` and `network_error` are Z.ai's, `insufficient_system_resource` DeepSeek's, `abort` SGLang's words.
What broke is never called complete: `content_filter` says that the provider took the answer away."""
_NOTHING = ("", "null", "none")
_WORDS: dict[EndReason, str] = {
    "stop": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "refusal": "content_filter",
    "content_filter": "content_filter",
    "pause": "stop",
}


def is_end(found: Any) -> bool:
    """Return whether a `finish_reason` says that the answer ended: some servers send it empty or as a word."""
    return isinstance(found, str) and found.strip().lower() not in _NOTHING


def read_end(found: Any, *, called: bool, refused: bool) -> EndReason:
    """Return why an answer ended. `called` and `refused`: it has tool calls, it declines."""
    word = found.strip().lower() if isinstance(found, str) else ""
    end = _REASONS.get(word, "stop")
    if end != "stop":
        return end
    return "tool_calls" if called else "refusal" if refused else end


def write_end(end: EndReason, *, refused: bool) -> str:
    """Return the `finish_reason`. `refused`: the answer has a refusal of its own, which ends with `stop` there."""
    return "stop" if refused and end == "refusal" else _WORDS[end]
