"""Each kind of client on each kind of upstream: whole conversations with tools, through the real gateway."""

import json
from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

import pytest

from tests.fakes.acting import Acting, Call, Say, Step, Think
from tests.fakes.serving import serving
from tests.fixtures.gateway import InProcess, in_process
from tests.translation.clients import ChatClient, Client, ContinuingClient, MessagesClient, ResponsesClient

WIRES = ("chat", "responses", "messages")


def seals(wire: str) -> tuple[str, str]:
    """Return what proves the two pieces of reasoning to the vendor of a wire; Chat Completions has nothing of it."""
    return (f"{wire}-c2VhbC0x/+==", f"{wire}-c2VhbC0y")


def script(wire: str, results: list[str]) -> list[Step]:
    """Read two files at once, then a third, then tell."""
    first, second = seals(wire)
    if not results:
        calls = [Call("read", json.dumps({"path": path}, ensure_ascii=False), f"call_{path}") for path in ("a", "b")]
        return [Think("I should look.", first), Say("Reading 二つ."), *calls]
    if len(results) == 2:
        return [Think("One more.", second), Call("read", '{"path":"c"}', "call_c")]
    return [Say(f"They say: {', '.join(results)}.")]


class Setting(NamedTuple):
    gateway: InProcess
    upstreams: dict[str, Acting]


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    """Models `on-chat`, `on-responses`, `on-messages`, each before a server that speaks nothing else."""
    fakes = {wire: Acting(partial(script, wire)) for wire in WIRES}
    with (
        serving(fakes["chat"]) as chat,
        serving(fakes["responses"]) as responses,
        serving(fakes["messages"]) as messages,
    ):
        addresses = {"chat": chat, "responses": responses, "messages": messages}
        price = {"input": 1.0, "output": 10.0, "cached_input": 0.1, "cache_write": 1.25}
        models = [
            {
                "name": f"on-{wire}",
                "price": price,
                "deployments": [
                    {
                        "provider": "openai-compatible",
                        "base_url": addresses[wire],
                        "model": "theirs",
                        "dialects": [wire],
                    }
                ],
            }
            for wire in WIRES
        ]
        with in_process(tmp_path_factory.mktemp("pairs"), {"models": models}) as gateway:
            yield Setting(gateway, fakes)


CLIENTS: dict[str, type[Client]] = {
    "chat": ChatClient,
    "responses": ResponsesClient,
    "continuing": ContinuingClient,
    "messages": MessagesClient,
}
PAIRS = [
    (client, upstream)
    for client in CLIENTS
    for upstream in WIRES
    if client != upstream and (client, upstream) != ("continuing", "responses")
]


def turns_of(body: dict[str, Any]) -> list[Any]:
    found = body.get("messages") or body["input"]
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("client", "upstream"), PAIRS)
def test_a_loop_of_tools(setting: Setting, client: str, upstream: str, stream: bool) -> None:
    fake = setting.upstreams[upstream]
    fake.seen.clear()
    fake.raw.clear()
    person = CLIENTS[client](setting.gateway, f"on-{upstream}", stream=stream)
    person.user("What do they say?")

    person.ask()
    assert (person.said, person.thought) == ("Reading 二つ.", "I should look.")
    assert [(name, json.loads(arguments)) for _, name, arguments in person.calls] == [
        ("read", {"path": "a"}),
        ("read", {"path": "b"}),
    ]
    person.give("yes", "no")
    person.ask()
    assert [call[0] for call in person.calls] == ["call_c"]
    person.give("日本")
    person.ask()
    assert person.said == "They say: yes, no, 日本."
    assert person.calls == []

    _check_seals(fake, upstream)
    _check_prefixes(fake)
    record = setting.gateway.record(person.answer)
    assert (record.outcome, record.input_tokens, record.output_tokens) == ("ok", 1200, 40)
    assert (record.cached_input_tokens, record.reasoning_tokens, record.usage_source) == (1000, 10, "provider")


def _check_seals(fake: Acting, upstream: str) -> None:
    """What proves the reasoning to its vendor came back to it, in the turn of its calls, and nowhere twice."""
    last = fake.raw[-1].decode()
    if upstream != "chat":  # there is nothing to prove on that wire
        assert [last.count(seal) for seal in seals(upstream)] == [1, 1]
    assert "sekisho1:" not in last


def _check_prefixes(fake: Acting) -> None:
    """The upstream's cache hits: each request repeats the one before it to the byte, then goes on."""
    for earlier, later in zip(fake.raw, fake.raw[1:], strict=False):
        before, after = (turns_of(json.loads(raw)) for raw in (earlier, later))
        assert after[: len(before)] == before
        cut = earlier.index(b'"content":')
        assert later[:cut] == earlier[:cut]
        assert {name: value for name, value in json.loads(earlier).items() if value != before} == {
            name: value for name, value in json.loads(later).items() if value != after
        }


@pytest.mark.parametrize(("client", "upstream"), PAIRS)
def test_usage_is_told_in_the_clients_own_words(setting: Setting, client: str, upstream: str) -> None:
    person = CLIENTS[client](setting.gateway, f"on-{upstream}", stream=True)
    person.user("Hello")
    person.ask()
    usage = person.usage
    if client == "chat":
        found = (usage["prompt_tokens"], usage["completion_tokens"], usage["prompt_tokens_details"]["cached_tokens"])
    elif client == "messages":
        found = (usage["input_tokens"] + usage["cache_read_input_tokens"], usage["output_tokens"], usage["cache_read_input_tokens"])  # fmt: skip  # noqa: E501
    else:
        found = (usage["input_tokens"], usage["output_tokens"], usage["input_tokens_details"]["cached_tokens"])
    assert found == (1200, 40, 1000)


@pytest.mark.parametrize("client", ["chat", "responses", "messages"])
def test_a_session_moves_between_models_of_different_vendors(setting: Setting, client: str) -> None:
    """What one vendor sealed goes to no other one, whatever way it took; each gets its own back."""
    person = CLIENTS[client](setting.gateway, "on-messages", stream=True)
    person.user("What do they say?")
    for wire, results in (("messages", ("yes", "no")), ("responses", ("x",)), ("chat", ()), ("messages", ()), ("responses", ())):  # fmt: skip  # noqa: E501
        person.model = f"on-{wire}"
        person.ask()
        sent = setting.upstreams[wire].raw[-1].decode()
        assert not [seal for other in WIRES if other != wire for seal in seals(other) if seal in sent]
        assert "sekisho1:" not in sent
        if results:
            person.give(*results)
        else:
            person.user("And now?")
    if client != "chat":  # its own reasoning in front of its own calls, after all the others
        assert seals("responses")[1] in sent
