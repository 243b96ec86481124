"""The table of families: names in all their spellings, and what follows from them."""

from typing import Any

import msgspec
import pytest
from genai_prices import data
from hypothesis import given
from hypothesis import strategies as st

from gateway.profiles.families import FAMILIES, resolve
from gateway.profiles.family import Family
from gateway.profiles.hosts import HOSTS, Host
from gateway.profiles.names import parse_name
from gateway.profiles.profile import DEFAULT_PROFILE, Profile
from gateway.providers.rows import PROVIDERS

_UP_TO_HIGH = ("low", "medium", "high")


@pytest.mark.parametrize(
    ("name", "family", "version"),
    [
        ("claude-sonnet-4-20250514", "claude", (4,)),
        ("anthropic/claude-sonnet-4-5", "claude", (4, 5)),
        ("anthropic/claude-opus-4.5", "claude", (4, 5)),
        ("us.anthropic.claude-sonnet-4-20250514-v1:0", "claude", (4,)),
        ("claude-sonnet-4@20250514", "claude", (4,)),
        ("global.anthropic.claude-opus-5-5", "claude", (5, 5)),
        ("claude-3-5-haiku-latest", "claude", (3, 5)),
        ("claude-3-haiku-20240307", "claude", (3,)),
        ("claude-4-opus", "claude", (4,)),
        ("gpt-5.4-2026-03-05", "gpt", (5, 4)),
        ("gpt-4o-2024-05-13", "gpt", (4,)),
        ("gpt-35-turbo", "gpt", (3, 5)),
        ("ft:gpt-4o-mini-2024-07-18:org::id", "gpt", (4,)),
        ("global.openai.gpt-5.6-luna", "gpt", (5, 6)),
        ("openai/gpt-oss-120b", "gpt-oss", ()),
        ("openai.gpt-oss-20b-1:0", "gpt-oss", ()),
        ("o3-mini", "o", (3,)),
        ("openai/o1-preview", "o", (1,)),
        ("models/gemini-3.1-pro-preview", "gemini", (3, 1)),
        ("gemini-flash-1.5", "gemini", (1, 5)),
        ("google/gemma-3-27b-it", "gemma", (3,)),
        ("deepseek-ai/DeepSeek-V3.2-Exp", "deepseek", (3, 2)),
        ("accounts/fireworks/models/deepseek-v3p1", "deepseek", (3, 1)),
        ("deepseek-r1-distill-llama-70b", "deepseek", (1,)),
        ("deepseek-chat", "deepseek", ()),
        ("Qwen/Qwen3-32B", "qwen", (3,)),
        ("qwen3:32b", "qwen", (3,)),
        ("ggml-org/qwen2.5-coder-7b-q8_0.gguf", "qwen", (2, 5)),
        ("Qwen/QwQ-32B", "qwen", ()),
        ("moonshotai/Kimi-K2-Instruct-0905", "kimi", (2,)),
        ("zai-org/GLM-4.5-Air", "glm", (4, 5)),
        ("glm-4.6v", "glm", (4, 6)),
        ("mistralai/Mistral-Small-3.2-24B-Instruct-2506", "mistral", (3, 2)),
        ("mistral.magistral-small-2509", "mistral", ()),
        ("mistral-large-2512", "mistral", ()),
        ("mixtral-8x7b", "mistral", ()),
        ("meta-llama/Llama-4-Maverick-17B-128E", "llama", (4,)),
        ("us.meta.llama3-1-70b-instruct-v1:0", "llama", (3, 1)),
        ("nvidia/llama-3.3-nemotron-super-49b", "llama", (3, 3)),
        ("us.amazon.nova-2-lite-v1:0", "nova", (2,)),
        ("amazon.nova-pro-v1:0", "nova", (1,)),
        ("grok-4-1-fast-reasoning", "grok", (4, 1)),
        ("grok-4-0709", "grok", (4,)),
        ("cohere.command-a-03-2025", "command", (3,)),
        ("prod-eu-1", None, ()),
        ("foo3", None, ()),
        ("", None, ()),
    ],
)
def test_names_are_parsed(name: str, family: str | None, version: tuple[int, ...]) -> None:
    found = parse_name(name)
    assert (found.family, found.version) == (family, version)
    assert parse_name(name.upper()) == found


@given(st.text())
def test_any_name_has_a_profile(name: str) -> None:
    assert isinstance(resolve(name, "openai-compatible", name), Profile)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("claude-3-5-sonnet-20241022", {"thinking": "none", "max_output_tokens": 8192, "prefill": True}),
        ("claude-3-7-sonnet-20250219", {"thinking": "budget", "max_output_tokens": 64000, "sampling": True}),
        ("claude-opus-4-20250514", {"thinking": "budget", "max_output_tokens": 32000, "temperature_with_top_p": True}),
        ("claude-opus-4-1", {"max_output_tokens": 32000, "temperature_with_top_p": False, "structured_output": True}),
        ("claude-sonnet-4-5", {"thinking": "budget", "prefill": True, "efforts": None, "sampling": True}),
        ("claude-opus-4-5", {"thinking": "budget", "efforts": _UP_TO_HIGH, "forced_tools_while_reasoning": False}),
        ("claude-sonnet-4-6", {"thinking": "adaptive", "prefill": False, "sampling": True, "system_anywhere": False}),
        ("claude-opus-4-7", {"thinking": "adaptive", "sampling": False, "max_output_tokens": 128000}),
        ("claude-opus-5", {"thinking": "adaptive", "forced_tools": True, "system_anywhere": True}),
        ("claude-fable-5", {"thinking": "always", "forced_tools": True}),
        ("claude-fable-5-1", {"thinking": "always", "forced_tools": False}),
        ("claude-opus-5-5", {"thinking": "always", "forced_tools": False, "sampling": False}),
        ("claude-haiku-5-5", {"thinking": "adaptive", "forced_tools": True, "prefill": False}),
        ("claude", {"thinking": None, "sampling": True, "prefill": True}),
        ("gpt-4o", {"thinking": "none", "sampling": True, "max_output_tokens": 16384, "custom_tools": False}),
        ("gpt-4.1", {"thinking": "none", "max_output_tokens": 32768, "most_tools": 128}),
        ("gpt-5-mini", {"sampling": False, "efforts": ("minimal", *_UP_TO_HIGH), "tools_need_responses": False}),
        ("gpt-5-chat-latest", {"sampling": True, "thinking": "none", "max_tokens_member": "max_completion_tokens"}),
        ("gpt-5.1", {"sampling": True, "sampling_while_reasoning": False, "efforts": ("none", *_UP_TO_HIGH)}),
        ("gpt-5.3", {"tools_need_responses": False, "custom_tools": True}),
        ("gpt-5.4", {"tools_need_responses": True, "efforts": ("none", *_UP_TO_HIGH, "xhigh")}),
        ("gpt-5.6-sol", {"tools_need_responses": True, "sampling": False}),
        ("gpt-6.1-terra", {"efforts": (*_UP_TO_HIGH, "xhigh", "max"), "sampling": False}),
        ("gpt-5.1-codex-mini", {"tools_need_responses": True}),
        ("gpt-oss-120b", {"efforts": _UP_TO_HIGH, "thinking": "always", "inline_thinking": Profile().inline_thinking}),
        ("o3", {"efforts": _UP_TO_HIGH, "sampling": False, "developer_role": True}),
        ("o1-mini", {"thinking": "none", "developer_role": False}),
        ("gemini-2.0-flash", {"thinking": "none", "max_output_tokens": 8192}),
        ("gemini-2.5-pro", {"thinking": "budget", "max_output_tokens": 65536}),
        ("gemini-3-pro-preview", {"thinking": "always", "efforts": ("minimal", *_UP_TO_HIGH)}),
        ("Qwen/Qwen3-32B", {"thinking_switch": "template:enable_thinking", "system_anywhere": False}),
        ("Qwen/Qwen3-Coder-30B-A3B", {"thinking_switch": None, "thinking": "none"}),
        ("Qwen/Qwen3-235B-A22B-Thinking-2507", {"thinking_switch": None, "thinking": "always"}),
        ("qwen2.5-coder:7b", {"thinking": "none"}),
        ("deepseek-v3.2", {"thinking_switch": "template:thinking"}),
        ("deepseek-r1", {"thinking_switch": None, "thinking": "always"}),
        ("kimi-k2-thinking", {"thinking": "always", "tool_call_id_pattern": r"[a-zA-Z0-9_.:-]{1,64}"}),
        ("mistral-large-2512", {"tool_call_id_pattern": r"[a-zA-Z0-9]{9}", "user_after_tool": False}),
        ("magistral-medium", {"thinking_member": "content"}),
        ("amazon.nova-pro-v1:0", {"thinking": "none"}),
        ("us.amazon.nova-2-lite-v1:0", {"efforts": _UP_TO_HIGH}),
        ("prod", msgspec.structs.asdict(DEFAULT_PROFILE)),
    ],
)
def test_families_differ(name: str, expected: dict[str, Any]) -> None:
    profile = resolve(name, "openai-compatible")
    assert {member: getattr(profile, member) for member in expected} == expected


@pytest.mark.parametrize(
    ("name", "provider", "address", "expected"),
    [
        ("prod", "azure", None, {"max_tokens_member": "max_completion_tokens", "thinking_member": None}),
        ("Llama-4-Maverick", "azure", None, {"max_tokens_member": "max_tokens"}),
        ("prod", "openai-compatible", "https://x.openai.azure.com/v1", {"max_tokens_member": "max_completion_tokens"}),
        ("prod", "openai-compatible", "https://openai.azure.com.evil.example", {"max_tokens_member": "max_tokens"}),
        ("Qwen/Qwen3-32B", "vllm", None, {"thinking_member": "reasoning", "developer_role": False}),
        ("deepseek-chat", "openai-compatible", "https://api.deepseek.com", {"thinking_switch": "type"}),
        ("deepseek-chat", "deepseek", None, {"thinking_switch": "type"}),
        ("codestral-latest", "mistral", None, {"thinking_member": "content", "user_after_tool": False}),
        ("deepseek-reasoner", "openai-compatible", "https://api.deepseek.com", {"thinking_switch": None}),
        ("qwen3-max", "openai-compatible", "https://dashscope.aliyuncs.com/v1", {"thinking_switch": "flag"}),
        ("z-ai/glm-4.6", "openai-compatible", "https://openrouter.ai/api/v1", {"thinking_switch": None}),
        ("z-ai/glm-4.6", "openai-compatible", "https://openrouter.ai/api/v1", {"thinking_member": "reasoning"}),
        ("gpt-4o", "openai", None, {"most_stops": 4, "most_tools": 128}),
        ("x", "openai-compatible", "http://[", {"max_tokens_member": "max_tokens"}),
    ],
)
def test_servers_differ(name: str, provider: str, address: str | None, expected: dict[str, Any]) -> None:
    profile = resolve(name, provider, address)
    assert {member: getattr(profile, member) for member in expected} == expected


def test_rows_change_known_members_and_name_their_sources() -> None:
    rows: list[Family | Host] = [*FAMILIES, *HOSTS]
    for row in rows:
        changed = msgspec.structs.replace(DEFAULT_PROFILE, **row.changes)
        msgspec.convert(msgspec.structs.asdict(changed), Profile)
        assert row.source
        assert row.changes
    assert {name for row in HOSTS for name in row.names if "." not in name} <= {*PROVIDERS}


@pytest.mark.parametrize(
    ("provider", "expected"),
    [("anthropic", "claude"), ("moonshotai", "kimi"), ("x-ai", "grok"), ("zai", "glm"), ("deepseek", "deepseek")],
)
def test_models_with_a_price_are_known(provider: str, expected: str) -> None:
    models = next(each for each in data.providers if each.id == provider).models
    unknown = [model.id for model in models if parse_name(model.id).family != expected]
    assert [name for name in unknown if not name.startswith("moonshot-v1")] == []


def test_what_the_model_and_what_its_server_refuse_is_refused() -> None:
    refused = resolve("o3", "openai").refused
    assert refused >= {"stop", "parallel_tool_calls"}, "of the model"
    assert refused >= {"enable_thinking", "top_k"}, "of the server"
    assert "stop" not in resolve("gpt-4.1", "openai").refused
    assert resolve("prod", "openai-compatible").refused == frozenset()
