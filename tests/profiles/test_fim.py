"""Templates, stop strings and special tokens of the families that fill in the middle."""

import typing

import pytest

from gateway.profiles.fim import FAMILIES, any_special, family_of
from gateway.profiles.fim_family import MOST_STOPS, Family, File, FimName

BAR, BLOCK = "\uff5c", "\u2581"
DEEPSEEK = [f"<{BAR}fim{BLOCK}{name}{BAR}>" for name in ("begin", "hole", "end")]
ALONE = {
    "qwen": "<|fim_prefix|>P<|fim_suffix|>S<|fim_middle|>",
    "deepseek": f"{DEEPSEEK[0]}P{DEEPSEEK[1]}S{DEEPSEEK[2]}",
    "starcoder": "<fim_prefix>P<fim_suffix>S<fim_middle>",
    "codegemma": "<|fim_prefix|>P<|fim_suffix|>S<|fim_middle|>",
    "codestral": "[SUFFIX]S[PREFIX]P",
    "codellama": "<PRE> P <SUF>S <MID>",
    "granite": "<|fim_prefix|>P<|fim_suffix|>S<|fim_middle|>",
    "seed": "<[fim-suffix]>S<[fim-prefix]>P<[fim-middle]>",
    "mellum": "<fim_suffix>S<fim_prefix>P<fim_middle>",
    "glm": "<|code_prefix|>P<|code_suffix|>S<|code_middle|>",
}
WITH_FILES = {
    "qwen": "<|repo_name|>repository\n<|file_sep|>a.py\nA\n<|file_sep|>file\nB\n<|file_sep|>file\n" + ALONE["qwen"],
    "deepseek": "#a.py\nA\n\n#file\nB\n\n" + ALONE["deepseek"],
    "starcoder": "<file_sep>a.py\nA\n<file_sep>file\nB\n<file_sep>file\n" + ALONE["starcoder"],
    "codegemma": "a.py\nA\n<|file_separator|>file\nB\n<|file_separator|>" + ALONE["codegemma"],
    "codestral": "[SUFFIX]S[PREFIX]+++++ a.py\nA\n\n+++++ file\nB\n\n+++++ file\nP",
    "codellama": "#a.py\nA\n\n#file\nB\n\n" + ALONE["codellama"],
    "granite": "#a.py\nA\n\n#file\nB\n\n" + ALONE["granite"],
    "seed": "<[fim-suffix]>S<[fim-prefix]><filename>a.py\nA\n<filename>file\nB\n<filename>file\nP<[fim-middle]>",
    "mellum": "<filename>a.py\nA\n<filename>file\nB\n<filename>file\n" + ALONE["mellum"],
    "glm": "#a.py\nA\n\n#file\nB\n\n" + ALONE["glm"],
}
FILES = [File("a.py", "A"), File("\n\r\x00", "B")]
EVERY = pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)


def test_every_family_that_can_be_configured_has_a_row() -> None:
    assert set(FAMILIES) == set(typing.get_args(FimName)) == set(ALONE) == set(WITH_FILES)


@EVERY
def test_templates(family: Family) -> None:
    assert family.fill("P", "S") == ALONE[family.name]
    assert family.fill("P", "S", FILES) == WITH_FILES[family.name]
    assert family.source


@EVERY
def test_a_filled_prompt_is_known(family: Family) -> None:
    assert family.is_filled(family.fill("P", "S"))
    assert not family.is_filled("def f(")


@EVERY
def test_the_first_stops_are_four_and_end_every_marker(family: Family) -> None:
    markers = {marker.strip() for marker in (family.prefix, family.suffix, family.middle) if marker}
    assert markers <= set(family.ends())
    assert all(family.ends(FILES))
    assert len(family.ends()[:MOST_STOPS]) <= 4


@EVERY
def test_no_text_holds_a_special_token(family: Family) -> None:
    """Not in the texts, not in other files, not in their paths."""
    tokens = [*family.stops, family.prefix.strip(), family.suffix.strip(), family.middle.strip()]
    evil = "".join(token for token in tokens if token)
    for token in filter(None, tokens):
        assert token not in family.plain(evil), token
        assert any_special(token)
    prompt = family.fill(evil, evil, [File(evil, evil)])
    clean = family.fill("P", "S", [File("a", "A")])
    for token in filter(None, tokens):
        assert prompt.count(token) == clean.count(token), token


@pytest.mark.parametrize(
    ("family", "text"),
    [("qwen", "a <| b |> c"), ("qwen", "<|two words|>"), ("codestral", "x[PREFIXES]"), ("deepseek", "<|fim_middle|>")],
)
def test_a_text_without_special_tokens_stays_as_it_is(family: str, text: str) -> None:
    assert FAMILIES[family].plain(text) == text


def test_braces_in_files_are_no_fields() -> None:
    prompt = FAMILIES["qwen"].fill("{x}", "{0}", [File("{path}", "{text!r}")])
    assert "{path}\n{text!r}" in prompt
    assert "{x}<|fim_suffix|>{0}" in prompt


NAMES = {
    "Qwen/Qwen2.5-Coder-32B-Instruct": "qwen",
    "qwen3-coder:30b": "qwen",
    "Qwen/Qwen2.5-7B-Instruct": None,
    "deepseek-ai/DeepSeek-Coder-V2-Lite-Base": "deepseek",
    "deepseek-chat": None,
    "bigcode/starcoder2-15b": "starcoder",
    "google/codegemma-7b": "codegemma",
    "mistralai/Codestral-22B-v0.1": "codestral",
    "codestral-latest": "codestral",
    "mistralai/Mamba-Codestral-7B-v0.1": None,
    "codellama/CodeLlama-13b-hf": "codellama",
    "codellama/CodeLlama-34b-hf": None,
    "codellama/CodeLlama-7b-Python-hf": None,
    "ibm-granite/granite-4.0-h-small": "granite",
    "ibm-granite/granite-3.3-8b-instruct": None,
    "ByteDance-Seed/Seed-Coder-8B-Base": "seed",
    "JetBrains/Mellum-4b-base": "mellum",
    "zai-org/GLM-4.5": "glm",
    "zeta2.1": None,
    "gpt-5": None,
    "": None,
}


@pytest.mark.parametrize(("name", "family"), NAMES.items())
def test_a_family_is_told_by_the_upstream_s_name(name: str, family: str | None) -> None:
    found = family_of(None, name)
    assert (found.name if found else None) == family


def test_the_configuration_has_the_last_word() -> None:
    found = family_of("seed", "qwen3-coder")
    assert found
    assert found.name == "seed"
    assert family_of("none", "qwen3-coder") is None
    assert family_of("native", "qwen3-coder") is None
