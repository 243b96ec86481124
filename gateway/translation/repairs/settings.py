"""Sampling, effort and choices of tools, as the model's family takes them."""

import msgspec

from gateway.translation.codec import Writing
from gateway.translation.conversation import Conversation, Reasoning, Sampling, ToolChoice

_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")


def with_known_settings(conversation: Conversation, writing: Writing) -> Conversation:
    """Return a conversation with settings that the model does not refuse; what it would refuse is left out and told."""
    reasoning = _reasoning(conversation.reasoning, writing)
    if not writing.profile.forced_tools_while_reasoning and _forces(conversation.tool_choice):
        reasoning = _without(reasoning, writing)
    return msgspec.structs.replace(
        conversation,
        reasoning=reasoning,
        sampling=_sampling(conversation.sampling, reasoning, writing),
        tool_choice=_choice(conversation, writing),
    )


def _reasoning(reasoning: Reasoning, writing: Writing) -> Reasoning:
    """Return the reasoning that the model can do: the nearest effort, none where it has none."""
    profile, effort = writing.profile, reasoning.effort
    if profile.thinking == "none" and reasoning != Reasoning():
        if reasoning.mode != "off" and effort not in (None, "none"):
            writing.drop("reasoning")
        return Reasoning()
    if profile.thinking == "always" and reasoning.mode == "off":
        writing.drop("thinking")
        reasoning = msgspec.structs.replace(reasoning, mode=None)
    if effort and profile.efforts and effort not in profile.efforts:
        reasoning = msgspec.structs.replace(reasoning, effort=_nearest(effort, profile.efforts))
    return reasoning


def _nearest(effort: str, known: tuple[str, ...]) -> str | None:
    """Return the effort that is nearest, of two the higher; None where the asked one is not known at all."""
    if effort not in _EFFORTS:
        return None
    asked = _EFFORTS.index(effort)
    ordered = [each for each in known if each in _EFFORTS]
    if effort != "none" and len(ordered) > 1:
        ordered = [each for each in ordered if each != "none"]
    return min(ordered, key=lambda each: (abs(_EFFORTS.index(each) - asked), -_EFFORTS.index(each)), default=None)


def _sampling(sampling: Sampling, reasoning: Reasoning, writing: Writing) -> Sampling:
    profile = writing.profile
    off = reasoning.mode == "off" or reasoning.effort == "none"
    asked = reasoning != Reasoning()
    refused = not profile.sampling or (not profile.sampling_while_reasoning and not off and asked)
    if not refused and not profile.temperature_with_top_p and None not in (sampling.temperature, sampling.top_p):
        writing.drop("top_p")
        return msgspec.structs.replace(sampling, top_p=None)
    if not refused:
        return sampling
    for name in ("temperature", "top_p", "top_k"):
        if getattr(sampling, name) is not None:
            writing.drop(name)
    return msgspec.structs.replace(sampling, temperature=None, top_p=None, top_k=None)


def _forces(choice: ToolChoice | None) -> bool:
    return choice is not None and choice.mode in ("required", "named")


def _without(reasoning: Reasoning, writing: Writing) -> Reasoning:
    """Return reasoning that is off: a tool is demanded, and the model cannot reason before it."""
    if reasoning.mode not in ("on", "adaptive") and reasoning.effort in (None, "none") and reasoning.budget is None:
        return reasoning
    writing.drop("reasoning")
    return Reasoning(mode="off")


def _choice(conversation: Conversation, writing: Writing) -> ToolChoice | None:
    choice = conversation.tool_choice
    if choice is None or writing.profile.forced_tools or not _forces(choice):
        return choice
    writing.drop("tool_choice")
    return msgspec.structs.replace(choice, mode="auto", name=None)
