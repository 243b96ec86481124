"""Settings that a family of models refuses: mapped, or left out and told."""

from typing import Any

import pytest

from gateway.profiles.profile import Profile
from gateway.translation.codec import Writing
from gateway.translation.conversation import Conversation, Reasoning, Sampling, ToolChoice
from gateway.translation.repairs.settings import with_known_settings


def settled(profile: Profile, **settings: Any) -> tuple[Conversation, list[str]]:
    writing = Writing(profile)
    return with_known_settings(Conversation(model="m", turns=(), **settings), writing), writing.dropped


def test_temperature_goes_before_top_p_where_both_are_refused() -> None:
    profile = Profile(temperature_with_top_p=False)
    both = Sampling(temperature=0.5, top_p=0.9, top_k=5)
    found, dropped = settled(profile, sampling=both)
    assert found.sampling == Sampling(temperature=0.5, top_k=5)
    assert dropped == ["top_p"]
    assert settled(profile, sampling=Sampling(top_p=0.9))[0].sampling == Sampling(top_p=0.9)
    assert settled(Profile(), sampling=both) == (settled(Profile(), sampling=both)[0], [])


@pytest.mark.parametrize("reasoning", [Reasoning(effort="high"), Reasoning(mode="on", budget=2000)])
@pytest.mark.parametrize("choice", [ToolChoice(mode="required"), ToolChoice(mode="named", name="f")])
def test_a_demanded_tool_goes_before_reasoning(reasoning: Reasoning, choice: ToolChoice) -> None:
    profile = Profile(forced_tools_while_reasoning=False)
    found, dropped = settled(profile, reasoning=reasoning, tool_choice=choice)
    assert (found.reasoning, found.tool_choice, dropped) == (Reasoning(mode="off"), choice, ["reasoning"])
    found, dropped = settled(profile, reasoning=reasoning, tool_choice=ToolChoice())
    assert (found.reasoning, dropped) == (reasoning, [])
    found, dropped = settled(Profile(), reasoning=reasoning, tool_choice=choice)
    assert (found.reasoning, dropped) == (reasoning, [])


def test_reasoning_that_is_not_asked_for_is_not_missed() -> None:
    profile = Profile(forced_tools_while_reasoning=False)
    found, dropped = settled(profile, tool_choice=ToolChoice(mode="required"))
    assert (found.reasoning, dropped) == (Reasoning(), [])


def test_sampling_while_reasoning() -> None:
    profile = Profile(sampling_while_reasoning=False)
    warm = Sampling(temperature=0.5)
    assert settled(profile, sampling=warm)[0].sampling == warm
    assert settled(profile, sampling=warm, reasoning=Reasoning(effort="none"))[0].sampling == warm
    found, dropped = settled(profile, sampling=warm, reasoning=Reasoning(effort="low"))
    assert (found.sampling, dropped) == (Sampling(), ["temperature"])
