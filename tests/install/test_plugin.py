"""Plugin files are read as Open WebUI reads them, and never imported."""

from pathlib import Path

import pytest

from gateway.secret import Secret
from install.errors import InstallError, ManifestError
from install.pack.inputs import Options, PlanInputs, resolver
from install.pack.manifest import Manifest, read_manifest
from install.pack.manifest.entries import FunctionEntry
from install.pack.plugin import find_plugin, fingerprint
from install.pack.resources.plugins import wanted_plugins
from tests.install.conftest import PLUGIN


def write(folder: Path, text: str, name: str = "thing") -> Path:
    (folder / "filters").mkdir(exist_ok=True)
    (folder / "filters" / f"{name}.py").write_text(text)
    return folder


def test_frontmatter_and_translations(plugins: Path) -> None:
    plugin = find_plugin("filters", "sekisho_greeting", plugins)
    assert (plugin.title, plugin.version) == ("Greeting", "0.1.0")
    assert plugin.i18n["ja"] == {"name": "挨拶", "description": "挨拶する", "valves.secret.title": "秘密"}


def test_the_fingerprint_survives_the_rewriting_of_imports(plugins: Path) -> None:
    plugin = find_plugin("filters", "sekisho_greeting", plugins)
    assert "from open_webui.main to all" in plugin.content
    assert plugin.sha256 == fingerprint(PLUGIN) == fingerprint(plugin.content)


def test_reading_does_not_execute(tmp_path: Path) -> None:
    plugin = find_plugin("filters", "thing", write(tmp_path, 'raise SystemExit\nI18N: dict = {"ja": {"name": "x"}}\n'))
    assert plugin.i18n == {"ja": {"name": "x"}}
    assert (plugin.title, plugin.version, plugin.description) == ("thing", "0", "")


@pytest.mark.parametrize(
    ("text", "says"),
    [("I18N = dict(ja={})\n", "I18N is not a literal"), ("x = 1\ndef\n", "line 2 is not Python")],
)
def test_unreadable_files_are_named(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(InstallError, match=says):
        find_plugin("filters", "thing", write(tmp_path, text))


def test_names_that_open_webui_would_refuse(tmp_path: Path) -> None:
    with pytest.raises(InstallError, match="Use a-z, 0-9 and _"):
        find_plugin("filters", "my-thing", write(tmp_path, "", "my-thing"))


def test_a_missing_file_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(InstallError, match=str(tmp_path)):
        find_plugin("filters", "nothing", tmp_path)


def given(manifest: Manifest, options: Options, version: str = "0.12.4", **stored: object) -> PlanInputs:
    current = {"filter": {"sekisho_greeting": {"valves": stored}}} if stored else {}
    return PlanInputs(manifest, options, version, (), "", Secret("k"), {}, current, resolver(manifest, options))


def test_a_plugin_for_a_newer_open_webui_is_refused(plugins: Path) -> None:
    manifest = Manifest(filters=(FunctionEntry(name="sekisho_greeting"),))
    options = Options("http://gateway/v1", plugins=plugins)
    assert list(wanted_plugins(given(manifest, options)))
    with pytest.raises(InstallError, match=r"needs Open WebUI 0\.12\.0; this is 0\.11\.9"):
        list(wanted_plugins(given(manifest, options, "0.11.9")))


def test_valves_from_variables_files_and_answers(plugins: Path, tmp_path: Path) -> None:
    (tmp_path / "pin").write_text("1234\n")
    more = "loudness: int = 1\n        where: str = ''\n        pin: str = ''\n        name: str = ''"
    path = plugins / "filters" / "sekisho_greeting.py"
    path.write_text(path.read_text().replace("loudness: int = 1", more))
    valves = {"secret": "${GREETING_SECRET}", "loudness": 3, "where": "${SEKISHO_GATEWAY_URL}/x"}
    valves |= {"pin": f"file:{tmp_path / 'pin'}", "name": "prompt:Your name"}
    manifest = Manifest(filters=(FunctionEntry(name="sekisho_greeting", valves=valves),))
    environment = {"GREETING_SECRET": "s"}
    asked: list[tuple[str, bool]] = []

    def ask(question: str, hidden: bool) -> str:
        asked.append((question, hidden))
        return "Hanako"

    (all_set,) = wanted_plugins(given(manifest, Options("u", plugins=plugins, environment=environment, ask=ask)))
    found = {path[1]: value for path, value in all_set.leaves.items() if path[0] == "valves"}
    assert str(found) == "{'secret': ***, 'loudness': 3, 'where': 'u/x', 'pin': ***, 'name': ***}"
    assert found["pin"] == Secret("1234")
    assert found["name"] == Secret("Hanako")
    assert asked == [("Your name", False)]

    (none_set,) = wanted_plugins(given(manifest, Options("u", plugins=plugins)))
    assert ("valves", "secret") not in none_set.leaves
    assert none_set.notes == (
        "valve secret is not set: GREETING_SECRET is missing",
        "valve name is not set: prompt:Your name is missing",
    )

    stored = {"secret": "kept", "name": "kept"}
    (kept,) = wanted_plugins(given(manifest, Options("u", plugins=plugins, ask=ask), **stored))
    assert kept.notes == ("valve secret: kept as stored, GREETING_SECRET is not set",)
    assert kept.keep == {("valves", "secret"), ("valves", "name")}
    assert len(asked) == 1


def test_a_file_that_is_not_there_names_file_line_and_key(plugins: Path, tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text("filters:\n  - name: sekisho_greeting\n    valves:\n      secret: file:nowhere\n")
    with pytest.raises(ManifestError, match=r"own\.yaml:4: filters\.0\.valves\.secret: .*nowhere cannot be read"):
        list(wanted_plugins(given(read_manifest(path), Options("u", plugins=plugins))))
