"""`sekisho new` and `sekisho check` as people run them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from install.kit.check import check
from tests.kit.conftest import KINDS, ROOT, Run

RUFF = Path(sys.executable).with_name("ruff")
STRICT = ("--isolated", "--line-length", "120")
RULES = ("--select", "E,F,I,B,UP,ASYNC,PIE,SIM,PT")


@pytest.mark.parametrize("kind", KINDS)
def test_what_it_writes_keeps_every_rule_and_the_house_style(kind: str, sekisho: Run, tmp_path: Path) -> None:
    made = sekisho("new", kind, "travel_desk", "--title", "Travel desk", "--title-ja", "出張窓口")
    assert made.returncode == 0, made.stderr
    paths = [tmp_path / line for line in made.stdout.splitlines()[:3]]
    assert all(path.is_file() for path in paths)
    plugin, test, _ = paths
    assert check(plugin) == []
    assert "出張窓口" in plugin.read_text(encoding="utf-8")
    for words in ("my_plugin", "My plugin", "わたしのプラグイン", "FOLDER"):
        assert not any(words in path.read_text(encoding="utf-8") for path in paths)
    assert plugin.parent.name in test.read_text(encoding="utf-8")
    for command in (["check", *STRICT, *RULES], ["format", *STRICT, "--check"]):
        subprocess.run([RUFF, *command, tmp_path], check=True, stdout=subprocess.DEVNULL)
    assert sekisho("check").returncode == 0


def test_without_titles_it_makes_them_and_still_keeps_the_rules(sekisho: Run, tmp_path: Path) -> None:
    assert sekisho("new", "pipe", "where_is_my_parcel").returncode == 0
    checked = sekisho("check")
    assert (checked.returncode, checked.stdout) == (0, "1 file, 0 findings.\n"), checked.stdout
    assert "title: Where is my parcel\n" in (tmp_path / "pipes" / "where_is_my_parcel.py").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "better"),
    [("Travel-Desk", "travel_desk"), ("3d", "my_3d"), ("class", "my_class"), ("json", "my_json"), ("出張", "my_agent")],
)
def test_a_name_that_cannot_be_an_id_is_refused_with_a_better_one(name: str, better: str, sekisho: Run) -> None:
    refused = sekisho("new", "pipe", name)
    assert refused.returncode == 2
    assert f"Try {better}." in refused.stderr


def test_nothing_is_overwritten(sekisho: Run, tmp_path: Path) -> None:
    conversations = tmp_path / "tests" / "conversations" / "desk.yaml"
    conversations.parent.mkdir(parents=True)
    conversations.write_text("mine")
    refused = sekisho("new", "filter", "desk")
    assert refused.returncode == 1
    assert "desk.yaml is there already" in refused.stderr
    assert conversations.read_text() == "mine"
    assert not (tmp_path / "filters").exists()


def test_a_title_cannot_break_out_of_its_text(sekisho: Run, tmp_path: Path) -> None:
    assert sekisho("new", "tool", "odd", "--title", 'A "quoted"\n\\title').returncode == 0
    assert check(tmp_path / "tools" / "odd.py") == []


def test_check_tells_line_and_remedy_in_both_languages(sekisho: Run, plugins: dict[str, Path]) -> None:
    path = plugins["pipe"]
    text = path.read_text(encoding="utf-8").replace("await Users.get_user_by_id", "Users.get_user_by_id")
    path.write_text(text, encoding="utf-8")
    line = next(number for number, each in enumerate(text.splitlines(), 1) if "Users.get_user_by_id" in each)

    english = sekisho("check", "pipes")
    assert english.returncode == 1
    assert f"pipes/my_pipe.py:{line}  error  not-awaited" in english.stdout
    assert "→ Write `await Users.get_user_by_id(…)`." in english.stdout
    assert "1 line breaks a rule." in english.stderr
    assert "と書いてください" in sekisho("check", "pipes", "--lang", "ja").stdout
    assert "と書いてください" in sekisho("check", "pipes", LANG="ja_JP.UTF-8").stdout

    told = json.loads(sekisho("check", "--json").stdout)
    assert (told["errors"], told["warnings"], len(told["files"])) == (1, 0, 4)
    [finding] = [each for file in told["files"] for each in file["findings"]]
    assert (finding["rule"], finding["line"]) == ("not-awaited", line)
    assert set(finding["remedy"]) == {"en", "ja"}

    assert sekisho("check", "--ignore", "not-awaited").returncode == 0
    unknown = sekisho("check", "--ignore", "nothing")
    assert unknown.returncode == 2
    assert "There is no rule nothing." in unknown.stderr


def test_check_compares_settings_with_the_last_commit(sekisho: Run, plugins: dict[str, Path]) -> None:
    path = plugins["action"]
    git = ["git", "-c", "user.name=T", "-c", "user.email=t@example.com", "-C", str(path.parent.parent)]
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *command], check=True)
    renamed = path.read_text(encoding="utf-8").replace("valves.speed", "valves.pace").replace("speed: int", "pace: int")
    path.write_text(renamed, encoding="utf-8")
    assert "The valve speed is gone (→ pace?)" in sekisho("check").stdout
    assert sekisho("check", "--no-compare").returncode == 0


def test_a_folder_without_plugins_and_a_file_that_is_no_text(sekisho: Run, tmp_path: Path) -> None:
    assert sekisho("check").returncode == 2
    (tmp_path / "pipes").mkdir()
    (tmp_path / "pipes" / "odd.py").write_bytes(b"\xff\xfe")
    unreadable = sekisho("check")
    assert unreadable.returncode == 1
    assert "has to be UTF-8 text" in unreadable.stderr


PUBLIC = """\
\"\"\"
title: Somebody's filter
author: somebody
version: 0.2
\"\"\"

import google
import pydantic_core
import xxhash
from pydantic import BaseModel


class Filter:
    class Valves(BaseModel):
        priority: int = 0

    def __init__(self) -> None:
        self.valves = self.Valves()

    def inlet(self, body: dict) -> dict:
        print(body)
        return body
"""


def test_house_style_is_no_error_of_others(sekisho: Run, tmp_path: Path) -> None:
    (tmp_path / "filters").mkdir()
    plugin = tmp_path / "filters" / "somebodys.py"
    plugin.write_text(PUBLIC)
    done = sekisho("check", "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 0, done.stdout
    assert {each["rule"] for each in found["files"][0]["findings"]} == {"hook-sync"}
    assert (found["errors"], found["warnings"]) == (0, 1)
    strict = sekisho("check", "--json", "--strict")
    rules = {each["rule"] for each in json.loads(strict.stdout)["files"][0]["findings"]}
    assert strict.returncode == 1
    assert {"frontmatter-keys", "frontmatter-version", "print-call", "hook-sync"} <= rules
    assert "foreign-import" not in rules
    plugin.write_text(PUBLIC.replace("import google", "import langchain_community"))
    assert sekisho("check").returncode == 1, "what Open WebUI cannot import breaks"
    plugin.write_text(PUBLIC.replace("import google", "import langchain_community").replace("author:", "requirements:"))
    assert sekisho("check").returncode == 0, "what it is told to install is there"


def test_the_pack_passes_the_strict_check(sekisho: Run) -> None:
    done = sekisho("check", "--strict", "--no-compare", ROOT)
    assert done.returncode == 0, done.stdout
