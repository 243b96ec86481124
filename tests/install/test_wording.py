"""Every sentence of the installer in both languages, and the language that is chosen."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

from install.doctor.texts import LANGUAGES
from install.errors import ManifestError, UsageError
from install.pack.engine.change import Action
from install.pack.resources import KINDS, plugins, services, settings
from install.pack.resources.access import GRANTS, name_groups
from install.wording import language_of, reason_of, say, speak, spoken, term
from install.wording.failures import in_words, labelled
from install.wording.sentences import SENTENCES
from install.wording.terms import TERMS

INSTALL = Path(__file__).parents[2] / "install"
KANA = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
ENGLISH_ONLY = ("kit", "embedded", "wording")
"""Packages with tables of their own, or whose commands speak English; `up` tells in English."""
SAME_IN_BOTH = {
    *("YAML 1.2", "status {status}: {detail}", "Open WebUI: {why}.", "{may} for {who}"),
    *("URL: {url}", "Base URL: {url}"),
}
ERRORS = re.compile(r"(Error|Refused|Drift|not_open_webui|_not_models|probe_failed|unusable|_wrong|_Failed)$")
ARGUMENTS_THAT_ARE_NO_WORDS = {"POST", "valves"}


@pytest.fixture(autouse=True)
def _english_again() -> Iterator[None]:
    yield
    speak("en")


def _modules() -> Iterator[tuple[Path, ast.Module]]:
    for path in INSTALL.rglob("*.py"):
        if path.relative_to(INSTALL).parts[0] not in ENGLISH_ONLY and path.name not in ("up.py", "kit.py", "cli.py"):
            yield path, ast.parse(path.read_text())


def _calls(tree: ast.Module) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield getattr(node.func, "id", getattr(node.func, "attr", "")), node


def _said() -> dict[str, set[str]]:
    """Return every sentence that is said, with the names of its values."""
    found: dict[str, set[str]] = {}
    for path in (*INSTALL.rglob("*.py"),):
        source = path.read_text()
        if "wording import" not in source:
            continue
        for name, call in _calls(ast.parse(source)):
            if name == "say":
                [sentence] = call.args
                assert isinstance(sentence, ast.Constant), f"{path}:{call.lineno}: a sentence is written out"
                found[str(sentence.value)] = {str(each.arg) for each in call.keywords}
    return found


def _gaps(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_every_sentence_has_both_languages_with_the_same_gaps() -> None:
    said = _said()
    assert len(said) > 200
    assert said.keys() == SENTENCES.keys()
    for english, values in said.items():
        japanese = SENTENCES[english]
        assert _gaps(english) == _gaps(japanese) == values, english
        words = re.search("[a-z]{3}", re.sub("{.*?}", "", english))
        assert KANA.search(japanese) or english in SAME_IN_BOTH or not words, english


def _is_text(part: ast.expr) -> bool:
    return isinstance(part, ast.Constant)


def test_no_error_is_raised_in_english_alone() -> None:
    for path, tree in _modules():
        for name, call in _calls(tree):
            if not ERRORS.search(name):
                continue
            for argument in call.args:
                text = argument.value if isinstance(argument, ast.Constant) else None
                words = isinstance(text, str) and text not in ARGUMENTS_THAT_ARE_NO_WORDS and " " in text
                parts = argument.values if isinstance(argument, ast.JoinedStr) else []
                literal = any(
                    isinstance(each, ast.Constant) and re.search("[a-z]{3}", str(each.value)) for each in parts
                )
                assert not words, f"{path}:{argument.lineno}: {text!r}"
                assert not literal, f"{path}:{argument.lineno}: a sentence without `say`"


def test_every_word_of_the_tables_has_both_languages() -> None:
    words = {*map(str, Action), *KINDS, "left alone", services.REINDEX, services.REPLICAS}
    words |= {*settings.LABELS.values(), *settings.WORDS.values(), *plugins.LABELS.values()}
    assert words - TERMS.keys() == set()
    assert all(KANA.search(japanese) for japanese in TERMS.values())


def test_the_doctor_has_both_languages() -> None:
    assert LANGUAGES["en"].keys() == LANGUAGES["ja"].keys()


@pytest.mark.parametrize(
    ("chosen", "environment", "language"),
    [
        (None, {}, "en"),
        (None, {"LANG": "ja_JP.UTF-8"}, "ja"),
        (None, {"LC_ALL": "C", "LANG": "ja_JP.UTF-8"}, "en"),
        (None, {"LC_ALL": "", "LC_MESSAGES": "ja", "LANG": "en_US"}, "ja"),
        (None, {"LANG": "de_DE.UTF-8"}, "en"),
        ("en", {"LANG": "ja_JP.UTF-8"}, "en"),
        (None, {"LANG": "japanese"}, "ja"),
        (None, {"LANG": "ja.eucJP"}, "ja"),
        (None, {"LANG": "jam_JM"}, "en"),
        (None, {"LANG": "\ud800ja"}, "en"),
        ("ja", {}, "ja"),
    ],
)
def test_the_language(chosen: str | None, environment: dict[str, str], language: str) -> None:
    assert language_of(chosen, environment) == language


def test_errors_and_what_the_machine_refuses_in_japanese() -> None:
    speak("ja")
    assert spoken() == "ja"
    error = UsageError(say("The password is missing."), say("Pass --token, or --email and --password."))
    assert str(error) == "パスワードがありません。--token か、--email と --password を渡してください。"
    assert str(ManifestError("pack.yaml:3", say("is too large"), "1")) == "pack.yaml:3: 大きすぎます。使えるもの: 1。"
    assert labelled("x") == "エラー: x"
    missing = FileNotFoundError(2, "No such file or directory", "pack.yaml")
    assert reason_of(missing) == "ファイルがありません"
    assert in_words(missing) == "pack.yaml: ファイルがありません。パスを確認してください。"
    assert in_words(ValueError("a bug")) is None
    assert (term("take away"), term("a name")) == ("取り除き", "a name")
    speak("en")
    assert str(UsageError(say("The password is missing."), "Pass it.")) == "The password is missing. Pass it."
    assert in_words(missing) == "pack.yaml: no such file or directory. It is not there: check the path."


@pytest.mark.parametrize("kind", ["model", "tool", "prompt"])
def test_groups_are_named(kind: str) -> None:
    name_groups({"研究": "3f1c", "営業": "77aa"})
    label = KINDS[kind].label
    assert label((GRANTS, "group:3f1c:read")) == "read for group 研究"
    assert label((GRANTS, "group:gone:read")) == "read for group gone", "one that was deleted has its id alone"
    assert label((GRANTS, "user:*:read")) == "read for everyone"
    speak("ja")
    assert label((GRANTS, "group:77aa:write")) == "編集: グループ 営業"
    assert label((GRANTS, "user:*:read")) == "閲覧: 全員"
    name_groups({})
