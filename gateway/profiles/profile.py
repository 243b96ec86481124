"""What a family of models accepts in a request: data with its source, resolved once for a deployment."""

from collections.abc import Mapping
from typing import Literal

import msgspec


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """A family's limits. Defaults accept everything: an unknown model gets what the client asked for."""

    family: str | None = None
    """Of the model, such as `claude`; None = its name says nothing."""
    sampling: bool = True
    """False if temperature, top_p and top_k are refused."""
    temperature_with_top_p: bool = True
    """False if temperature and top_p are refused together."""
    sampling_while_reasoning: bool = True
    """False if they are refused unless reasoning is off."""
    forced_tools: bool = True
    """False if a tool cannot be demanded, as the model always thinks first."""
    forced_tools_while_reasoning: bool = True
    """False if a tool can be demanded only where reasoning is off."""
    thinking: Literal["adaptive", "budget", "always", "none"] | None = None
    """How Messages asks for it: adaptive with an effort, a budget of tokens; `always` = cannot be switched off."""
    efforts: tuple[str, ...] | None = None
    """The efforts that it knows, the lowest first; None = not known, any is sent."""
    prefill: bool = True
    """False if a conversation must not end with the assistant's words."""
    max_tokens_member: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    """How Chat Completions limits an answer."""
    max_output_tokens: int | None = None
    """The most that an answer may have."""
    developer_role: bool = True
    """True if Chat Completions takes the role `developer`; else it is sent as `system`."""
    system_anywhere: bool = True
    """False if system texts are taken only at the beginning; those further on are sent as the user's."""
    text_lists: bool = True
    """False if Chat Completions takes the texts of system, assistant and tool messages only as strings."""
    refused: frozenset[str] = frozenset()
    """Members of a Chat Completions request that are refused; they are left out."""
    cache_marks: bool = False
    """True if Chat Completions takes `cache_control` on parts and tools; others cache by themselves."""
    thinking_member: Literal["reasoning_content", "reasoning", "content"] | None = "reasoning_content"
    """How Chat Completions takes the model's earlier reasoning back; None = not at all."""
    thinking_switch: Literal["type", "flag", "template:enable_thinking", "template:thinking"] | None = None
    """How Chat Completions switches reasoning off where it has no effort for it: `thinking: {"type": "disabled"}`,
    `enable_thinking: false`, or a member of `chat_template_kwargs` that is false."""
    user_after_tool: bool = True
    """False if only the assistant may speak after results of tools: a word of its is put between."""
    custom_tools: bool = False
    """True if tools of free text and grammars are known; else they are sent as functions with one text."""
    most_tools: int | None = None
    most_stops: int | None = None
    """The most stop sequences; those beyond are left out."""
    tool_name_pattern: str = r"[a-zA-Z0-9_-]{1,64}"
    """What a tool's name may be."""
    tool_call_id_pattern: str = r"[a-zA-Z0-9_-]{1,64}"
    media: frozenset[str] | None = None
    """The kinds of media that it takes: `image`, `audio`, `document`; None = not known, any is sent."""
    choices: Mapping[str, Mapping[str, tuple[str, ...]]] = {}
    """Values that members of a request may have, by dialect and member; others are refused before it is sent."""
    defaults: Mapping[str, Mapping[str, str]] = {}
    """Values of members that mean what the model does anyway, and that it refuses; they are left out."""
    structured_output: bool = True
    """False if a JSON Schema for the answer is refused."""
    tools_need_responses: bool = False
    """True if Chat Completions refuses tools while the model reasons, and only Responses takes them."""
    structured_output_with_tools: bool = True
    """False if it is refused beside tools."""
    media_in_results: bool = False
    """True if generateContent takes media within results of tools; else they stand beside them."""
    signed_calls: bool = False
    """True if generateContent refuses earlier calls without the model's signature."""
    inline_thinking: tuple[str, ...] = ("think", "reasoning", "thinking")
    """Tags at the beginning of an answer's text in which the model thinks, where the server does not cut them out."""


DEFAULT_PROFILE = Profile()
"""Of a model that no row knows."""
