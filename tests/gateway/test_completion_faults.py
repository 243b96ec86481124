"""Code completion that cannot be: wrong members, models without gaps, servers that fail."""

import json
from typing import Any, Literal

import pytest

from tests.fakes.completing import TEXT
from tests.fixtures.completion import COMPLETIONS, FIM, INFILL, SENT, TOKENS, Lane, streamed, text_of

REFUSED: list[tuple[str, dict[str, Any], str]] = [
    (COMPLETIONS, {"model": "vllm", "prompt": "", "suffix": ""}, "'prompt' is empty"),
    (FIM, {"model": "vllm", "prompt": "", "suffix": ""}, "'prompt' is empty"),
    (FIM, {"model": "vllm"}, "'prompt' is missing"),
    (FIM, {"model": "vllm", "prompt": ["a"], "suffix": "b"}, "'prompt' must be a string"),
    (FIM, {"model": "vllm", "prompt": "a", "suffix": 5}, "'suffix' must be a string"),
    (FIM, {"prompt": "a"}, "'model' is missing"),
    (INFILL, {"model": "vllm", "input_prefix": "", "input_suffix": ""}, "nothing to complete"),
    (INFILL, {"model": "vllm"}, "nothing to complete"),
    (INFILL, {"model": "vllm", "input_prefix": 5}, "'input_prefix' must be a string"),
    (INFILL, {"model": "vllm", "input_prefix": "a", "prompt": [5]}, "'prompt' must be a string"),
    (INFILL, {"model": "vllm", "input_prefix": "a", "n_predict": 10**12}, "'n_predict' must be"),
    (INFILL, {"model": "vllm", "input_prefix": "a", "n_predict": "many"}, "'n_predict' must be"),
    (INFILL, {"model": "vllm", "input_prefix": "a", "n_predict": -7}, "'n_predict' must be"),
    (INFILL, {"model": "vllm", "input_prefix": "a", "input_extra": "x"}, "'input_extra' must be an array"),
    (INFILL, {"model": "vllm", "input_prefix": "a", "input_extra": [{"filename": "x"}]}, "'input_extra' must be"),
    (INFILL, {"model": "vllm", "input_prefix": "a", "input_extra": [{"text": "x" * 2**20}]}, "fewer or shorter"),
    (INFILL, {"model": "vllm", "input_prefix": "a", "input_extra": [{"text": ""}] * 1025}, "more than 1,024 items"),
    (INFILL, {"input_prefix": "a"}, "may use several for completion"),
    (INFILL, {"model": "vllm-strict", "input_prefix": "a", "id_slot": 0, "samplers": []}, "does not take: samplers"),
    (FIM, {"model": "vllm", "prompt": "a", "stop": 5}, "'stop' must be"),
    (FIM, {"model": "vllm", "prompt": "a", "max_tokens": "12"}, "'max_tokens' must be a whole number"),
    (FIM, {"model": "vllm", "prompt": "a", "max_tokens": 1.5}, "'max_tokens' must be a whole number"),
    (FIM, {"model": "vllm", "prompt": "a", "max_tokens": True}, "'max_tokens' must be a whole number"),
    (FIM, {"model": "vllm", "prompt": "a", "stop": ["x"] * 65}, "'stop' must be"),
    (FIM, {"model": "vllm", "prompt": "a", "stop": ["x" * 257]}, "'stop' must be"),
    (COMPLETIONS, {"model": "vllm-chat", "prompt": "a", "suffix": "b"}, "set 'fim:' on the model"),
    (FIM, {"model": "vllm-chat", "prompt": "a", "suffix": "b"}, "Ask for 'vllm'"),
    (FIM, {"model": "vllm-none", "prompt": "a", "suffix": "b"}, "cannot fill in the middle"),
    (INFILL, {"model": "openai-chat", "input_prefix": "a", "input_suffix": "b"}, "cannot fill in the middle"),
    (INFILL, {"model": "llama-chat", "input_prefix": "a", "input_suffix": "b"}, "cannot fill in the middle"),
    (COMPLETIONS, {"model": "llama-chat", "prompt": "a", "suffix": "b"}, "cannot fill in the middle"),
    (COMPLETIONS, {"model": "vllm", "prompt": "a<|fim_prefix|>b<|fim_middle|>", "suffix": "b"}, "leave 'suffix' out"),
]


@pytest.mark.parametrize(("path", "body", "words"), REFUSED)
@pytest.mark.parametrize("stream", [False, True])
def test_what_cannot_be_completed_is_told_with_the_remedy(
    lane: Lane, path: str, body: dict[str, Any], words: str, stream: bool
) -> None:
    answer = lane.ask(path, {**body, "stream": stream})
    assert answer.status_code == 400, answer.text
    assert words in answer.json()["error"]["message"]
    assert "127.0.0.1" not in answer.text
    record = lane.gateway.record(answer)
    assert (record.status, record.output_tokens or 0) == (400, 0)


def test_each_dialect_tells_errors_in_its_own_shape(lane: Lane) -> None:
    body = {"model": "nope", "prompt": "a", "input_prefix": "a"}
    found = {path: lane.ask(path, body).json() for path in SENT}
    assert found[INFILL]["error"]["code"] == 404, "llama.cpp's code is the status"
    assert (found[FIM]["object"], found[FIM]["code"]) == ("error", "model_not_found")
    assert found[COMPLETIONS]["error"]["code"] == "model_not_found"


def test_a_member_with_an_impossible_name_is_listed_all_the_same(lane: Lane) -> None:
    answer = lane.ask(INFILL, {"model": "vllm", "input_prefix": "a", "x\r\ny: 1\x0c": 1, "語": 2, "": 3})
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-sekisho-dropped"].startswith("x??y: 1?, ?,")


ODD: list[dict[str, Any]] = [
    {"stop": [""]},
    {"stop": None},
    {"response_fields": [["content"], 5, "content/x", ""]},
    {"response_fields": {}},
    {"response_fields": ["x"] * 5000},
    {"stream_options": 5},
    {"temperature": None, "top_p": None},
    {"n_predict": None, "max_tokens": None},
    {"input_extra": []},
    {"input_extra": None},
    {"user": "taro@example.com", "metadata": {"a": [1]}},
]


@pytest.mark.parametrize("path", SENT)
@pytest.mark.parametrize("model", TOKENS)
def test_odd_members_break_nothing(lane: Lane, path: str, model: str) -> None:
    native = (model, path) in (("mistral", FIM), ("openai", COMPLETIONS))
    for number, odd in enumerate(ODD):
        answer = lane.ask(path, {"model": model, **SENT[path], **odd, "stream": number % 2 == 0})
        assert answer.status_code == 200 or (native and "It says" in answer.text), (odd, answer.text)
        assert "taro@example.com" not in json.dumps(lane.state(model).body)


@pytest.mark.parametrize("path", SENT)
def test_half_a_surrogate_pair_is_no_text(lane: Lane, path: str) -> None:
    """An editor that cuts an emoji in two is told so; nothing fails."""
    content = json.dumps({"model": "vllm", **SENT[path]}).replace("print(add", "\\ud83d")
    answer = lane.gateway.post(path, content=content.encode())
    assert answer.status_code == 400, answer.text


@pytest.mark.parametrize("path", SENT)
@pytest.mark.parametrize("model", TOKENS)
@pytest.mark.parametrize("breaks", ["error", "end"])
def test_a_stream_that_fails_in_the_middle_ends_with_an_error(
    lane: Lane, path: str, model: str, breaks: Literal["error", "end"]
) -> None:
    lane.state(model).breaks = breaks
    lane.state(model).pause = 0.02
    answer = lane.ask(path, {"model": model, **SENT[path], "stream": True})
    assert answer.status_code == 200, answer.text
    events = [line[6:] for line in answer.text.splitlines() if line.startswith("data: ")]
    assert json.loads(events[-1])["error"]["message"]
    assert not any('"finish_reason":"' in event or '"stop":true' in event for event in events)
    assert lane.gateway.record(answer).outcome == "error"


@pytest.mark.parametrize("path", SENT)
@pytest.mark.parametrize("model", TOKENS)
def test_a_whole_answer_becomes_the_stream_that_was_asked_for(lane: Lane, path: str, model: str) -> None:
    lane.state(model).breaks = "whole"
    answer = lane.ask(path, {"model": model, **SENT[path], "stream": True})
    assert streamed(path, answer)[0] == TEXT
    record = lane.gateway.record(answer)
    assert (record.outcome, record.input_tokens, record.output_tokens) == ("ok", *TOKENS[model][:2])


@pytest.mark.parametrize("path", SENT)
@pytest.mark.parametrize("stream", [False, True])
def test_one_that_fails_is_replaced_by_one_of_another_kind(lane: Lane, path: str, stream: bool) -> None:
    answer = lane.ask(path, {"model": "llama-second", **SENT[path], "stream": stream})
    assert (streamed(path, answer)[0] if stream else text_of(path, answer.json())) == TEXT
    assert lane.gateway.record(answer).provider == "llama.cpp"
