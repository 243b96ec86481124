"""Answers of Responses that the gateway keeps for upstreams that keep nothing."""

from collections.abc import Iterator

import msgspec
import openai
import pytest

from gateway.errors import InvalidRequest
from gateway.translation.responses.history import Kept, ResponsesHistory, key_of, stored_of
from tests.fakes.acting import Acting, Call, Say, Think
from tests.fakes.serving import serving
from tests.fixtures.gateway import in_process

LINKS = 3000


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[openai.OpenAI]:
    """OpenAI's client, before a model that speaks Messages alone."""
    acting = Acting(lambda results: [Say("Done.")] if results else [Think("hm", "c2VhbA=="), Call("read", "{}", "a")])
    with serving(acting) as address:
        deployment = {"provider": "openai-compatible", "base_url": address, "model": "m", "dialects": ["messages"]}
        config = {"models": [{"name": "kept", "deployments": [deployment]}]}
        with in_process(tmp_path_factory.mktemp("kept"), config) as gateway:
            yield openai.OpenAI(
                base_url=f"{gateway.url}/v1", api_key=gateway.key, max_retries=0, _strict_response_validation=True
            )


def test_the_input_of_an_answer_is_valid_for_openais_client(client: openai.OpenAI) -> None:
    """Its items had no ids, which the client's types demand."""
    call = {"type": "function_call", "call_id": "a", "name": "read", "arguments": "{}"}
    answer = client.responses.create(
        model="kept",
        input=[
            {"role": "user", "content": "one"},
            {"role": "assistant", "content": "two"},
            call,  # type: ignore[list-item]  # as careless clients send it
            {"type": "function_call_output", "call_id": "a", "output": "three"},
            {"role": "user", "content": [{"type": "input_text", "text": "four"}], "type": "message"},
        ],
        tools=[{"type": "function", "name": "read", "parameters": {"type": "object"}, "strict": False}],
    )
    newest = client.responses.input_items.list(answer.id, limit=2)
    assert [item.type for item in newest.data] == ["message", "function_call_output"]
    assert newest.has_more
    every = list(client.responses.input_items.list(answer.id, limit=2))
    assert [item.type for item in every] == ["message", "function_call_output", "function_call", "message", "message"]
    assert len({item.id for item in every}) == 5
    oldest = client.responses.input_items.list(answer.id, order="asc")
    assert [item.id for item in oldest.data] == [item.id for item in reversed(every)]


@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "101"}, {"limit": "x"}, {"order": "up"}])
def test_a_page_that_cannot_be_is_refused(client: openai.OpenAI, query: dict[str, str]) -> None:
    answer = client.responses.create(model="kept", input="hi")
    with pytest.raises(openai.BadRequestError, match=next(iter(query))):
        client.responses.input_items.list(answer.id, extra_query=query)


def test_an_answer_is_shown_as_it_was_given(client: openai.OpenAI) -> None:
    answer = client.responses.create(model="kept", input="hi", metadata={"a": "b"})
    assert client.responses.retrieve(answer.id).to_dict() == answer.to_dict()


def chain(links: int) -> dict[str, bytes]:
    """Return answers of which each continues the one before it."""
    response = msgspec.Raw(msgspec.json.encode({"id": "r", "tools": ["x" * 10_000]}))
    return {
        key_of(f"resp_{at}"): stored_of(
            Kept(response, [{"role": "user", "content": str(at)}], []), f"resp_{at - 1}" if at else None
        )
        for at in range(links)
    }


def walked(store: dict[str, bytes], first: str) -> dict[str, bytes]:
    """Ask a store for what a request continues, until nothing is wanted any more."""
    fields, found = {"previous_response_id": first}, dict[str, bytes]()
    while wanted := ResponsesHistory().wanted(fields, found):
        found |= dict.fromkeys(wanted, b"") | {key: store[key] for key in wanted if key in store}
    return found


def test_thousands_of_answers_are_continued() -> None:
    """Each step once read all answers again from the first, and a thousand were the most."""
    first = f"resp_{LINKS - 1}"
    turns = ResponsesHistory().continued({"previous_response_id": first}, walked(chain(LINKS), first), ())
    assert len(turns) == LINKS


@pytest.mark.parametrize("lost", [0, 1, 4])
def test_a_chain_with_a_hole_is_told(lost: int) -> None:
    store = chain(5)
    del store[key_of(f"resp_{lost}")]
    with pytest.raises(InvalidRequest, match="Send the whole input"):
        ResponsesHistory().continued({"previous_response_id": "resp_4"}, walked(store, "resp_4"), ())


def test_a_chain_that_bites_its_tail_ends() -> None:
    store = chain(3)
    store[key_of("resp_0")] = store[key_of("resp_2")]
    assert len(walked(store, "resp_2")) == 3
