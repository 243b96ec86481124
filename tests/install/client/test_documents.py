"""Configuration files are changed in place: comments, order and foreign settings stay, and nothing changes twice."""

import json
import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from install.client.documents import FORMATS, FormatName, Malformed, NotMergeable, Unfitting, fresh, merged
from install.client.documents.changes import ABSENT, Default, Keyed, plain

JSONC = """\
// my editor
{
    "theme": "One", // dark
    /* servers */
    "servers": {
        "mine": {"url": "http://a"}, // keep
    },
    "old": 1,
}
"""
TOML = """\
# my settings
model = "other" # for now

[profiles.fast]  # mine
model = "x"

[model_providers.sekisho]
env_key = "OLD"
"""
YAML = """\
# my models
name: Mine
models:
- name: Local # at home
  provider: ollama
- name: Sekisho coder
  model: "old"
"""
ENV = "# keys\nexport A='one two'\nB=2 # note\n\nC=3\n"


def test_jsonc_keeps_what_is_not_its_own() -> None:
    wanted = {"servers": {"sekisho": {"url": "http://b"}}, "theme": "Two", "old": ABSENT, "new": [1]}
    edited, needed = merged(FORMATS["json"], JSONC, wanted)
    assert (
        edited
        == """\
// my editor
{
    "theme": "Two", // dark
    /* servers */
    "servers": {
        "mine": {"url": "http://a"}, // keep
        "sekisho": {
            "url": "http://b"
        },
    },
    "new": [
        1
    ],
}
"""
    )
    assert len(needed) == 4
    assert merged(FORMATS["json"], edited, wanted) == (edited, [])


def test_toml_keeps_what_is_not_its_own() -> None:
    provider = {"name": "Sekisho", "env_key": ABSENT, "auth": {"command": "sekisho", "args": ["key"]}}
    wanted = {"model": "coder", "model_provider": "sekisho", "model_providers": {"sekisho": provider}}
    edited, _ = merged(FORMATS["toml"], TOML, wanted)
    assert "# my settings" in edited
    assert "# for now" in edited
    assert "[profiles.fast]  # mine" in edited
    assert tomllib.loads(edited) == {
        "model": "coder",
        "model_provider": "sekisho",
        "profiles": {"fast": {"model": "x"}},
        "model_providers": {"sekisho": {"name": "Sekisho", "auth": {"command": "sekisho", "args": ["key"]}}},
    }
    assert merged(FORMATS["toml"], edited, wanted) == (edited, [])


@pytest.mark.parametrize(
    "text",
    [
        'model_providers = { sekisho = { name = "x", env_key = "E" } }\n',
        '[model_providers]\n[model_providers.sekisho]\nname = "x"\n[[hooks]]\na = 1\n',
        '[model_providers.other]\nname = "o"\n[x]\na = 1\n[model_providers.sekisho]\nenv_key = "E"\n',
        '[profiles.a]\nmodel = "m"\n',
        "# only a comment\n",
        '[model_providers.sekisho.auth]\ncommand = "old"\nargs = ["x", "y"]\ntimeout = 3\n',
        'notify = ["a",\n  "b", # c\n]\n',
    ],
)
def test_toml_in_odd_shapes(text: str) -> None:
    provider = {"name": "Sekisho", "env_key": ABSENT, "auth": {"command": "c", "args": ["a"]}}
    wanted = {"model": "coder", "model_providers": {"sekisho": provider}}
    edited, needed = merged(FORMATS["toml"], text, wanted)
    assert needed
    assert merged(FORMATS["toml"], edited, wanted) == (edited, [])


def test_what_cannot_be_changed_in_place_is_refused() -> None:
    dotted = 'model_providers.sekisho.name = "x"\nmodel_providers.sekisho.env_key = "E"\n'
    provider = {"name": "Sekisho", "env_key": ABSENT, "auth": {"command": "c", "args": ["a"]}}
    with pytest.raises((NotMergeable, Malformed)):
        merged(FORMATS["toml"], dotted, {"model": "coder", "model_providers": {"sekisho": provider}})


def test_yaml_keeps_what_is_not_its_own() -> None:
    models = Keyed("name", [{"name": "Sekisho coder", "model": "coder"}, {"name": "Sekisho fim", "model": "fim"}])
    edited, _ = merged(FORMATS["yaml"], YAML, {"name": Default("Sekisho"), "models": models})
    assert edited == YAML.replace("old", "coder") + "- name: Sekisho fim\n  model: fim\n"


def test_dotenv_keeps_what_is_not_its_own() -> None:
    edited, _ = merged(FORMATS["env"], ENV, {"B": "3", "D": "a b", "C": ABSENT})
    assert edited == "# keys\nexport A='one two'\nB=3\n\nD='a b'\n"
    assert FORMATS["env"].parse(edited) == {"A": "one two", "B": "3", "D": "a b"}


@pytest.mark.parametrize(
    ("before", "wanted", "after"),
    [
        ("{}", {"a": 1}, '{\n  "a": 1\n}'),
        ('{"a": 1}', {"b": 2}, '{"a": 1,\n  "b": 2\n}'),
        ('{"a": 1,}', {"b": 2}, '{"a": 1,\n  "b": 2,\n}'),
        ('{\n\t"a": {}\n}', {"a": {"b": 1}}, '{\n\t"a": {\n\t\t"b": 1\n\t}\n}'),
        ('{"a": 1, "b": 2}', {"b": ABSENT}, '{"a": 1}'),
        ('{"a": 1, "b": 2}', {"a": ABSENT}, '{ "b": 2}'),
        ('{"a": 1}', {"a": ABSENT}, "{}"),
        ('{\n  "a": 1,\n  "b": 2\n}\n', {"b": ABSENT}, '{\n  "a": 1\n}\n'),
        ('{"a": 1, "a": 2}', {"a": 3}, '{"a": 1, "a": 3}'),
        ("// only a comment\n", {"a": 1}, '// only a comment\n{\n  "a": 1\n}\n'),
        ('{"a": null}', {"a": {"b": 1}}, '{"a": {\n    "b": 1\n  }}'),
        ('{"a": [1, 2]}', {"a": [1]}, '{"a": [\n    1\n  ]}'),
        ('{"a": "}//", /* } */ "b": 1 // ,\n}', {"c": True}, '{"a": "}//", /* } */ "b": 1, // ,\n  "c": true\n}'),
    ],
)
def test_jsonc_in_odd_shapes(before: str, wanted: dict[str, Any], after: str) -> None:
    assert merged(FORMATS["json"], before, wanted)[0] == after


@pytest.mark.parametrize(
    ("format", "text"),
    [
        ("json", '{"a": 1'),
        ("json", "{'a': 1}"),
        ("json", '{"a" 1}'),
        ("json", '{"a": 1} x'),
        ("json", '{"a": tru}'),
        ("json", "[" * 10_000),
        ("json", '{"a": "\n"}'),
        ("json", '{"a": 1, , }'),
        ("json", "/* open"),
        ("toml", "a = "),
        ("toml", "a = 1\na = 2\n"),
        ("yaml", "a: [1"),
        ("yaml", "a: 1\na: 2\n"),
        ("yaml", "%x"),
        ("env", "no equals sign"),
        ("env", "=1"),
    ],
)
def test_broken_files_are_told(format: FormatName, text: str) -> None:
    with pytest.raises(Malformed):
        merged(FORMATS[format], text, {"a": {"b": 1}})


@pytest.mark.parametrize(
    ("format", "text"),
    [("json", '{"a": 1}'), ("json", "[]"), ("json", '"text"'), ("toml", "a = 1"), ("yaml", "a: text"), ("yaml", "- a")],
)
def test_other_kinds_of_values_are_never_replaced(format: FormatName, text: str) -> None:
    with pytest.raises(Unfitting):
        merged(FORMATS[format], text, {"a": {"b": 1}})


def test_a_list_that_is_none_is_never_replaced() -> None:
    with pytest.raises(Unfitting):
        merged(FORMATS["json"], '{"a": {"b": 1}}', {"a": Keyed("name", [{"name": "x"}])})


def test_malformed_names_the_line() -> None:
    with pytest.raises(Malformed, match="line 3"):
        FORMATS["json"].parse('{\n  "a": 1,\n  b: 2\n}')
    with pytest.raises(Malformed, match="line 2"):
        FORMATS["yaml"].parse("a: 1\nb: ]\n")


_KEYS = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=6)
_TEXTS = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), max_size=12)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=8,
)
_OBJECTS = st.dictionaries(_KEYS, _VALUES, max_size=5)


@given(_OBJECTS, _OBJECTS, st.sampled_from([None, 1, 4, "\t"]))
@settings(max_examples=150, deadline=None)
def test_json_is_merged_as_data_would_be(before: dict[str, Any], wanted: dict[str, Any], indent: Any) -> None:
    text = json.dumps(before, indent=indent, ensure_ascii=False)
    try:
        edited, _ = merged(FORMATS["json"], text, wanted)
    except Unfitting:
        return
    found = json.loads(edited)
    assert {key: value for key, value in found.items() if key not in wanted} == {
        key: value for key, value in before.items() if key not in wanted
    }
    assert merged(FORMATS["json"], edited, wanted) == (edited, [])


@given(_OBJECTS)
@settings(max_examples=50, deadline=None)
def test_new_files_hold_what_is_wanted(wanted: dict[str, Any]) -> None:
    assert json.loads(fresh(FORMATS["json"], wanted)) == plain(wanted)
    assert FORMATS["yaml"].parse(fresh(FORMATS["yaml"], wanted)) == plain(wanted)
