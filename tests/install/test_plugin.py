"""Plugin files are read as Open WebUI reads them, and never imported."""

from pathlib import Path

import pytest

from install.errors import PluginMissing, PluginNeedsNewer, PluginUnreadable
from install.pack.desired import Options, desired_functions
from install.pack.manifest import FunctionEntry, Manifest
from install.pack.plugin import find_plugin, fingerprint
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
    with pytest.raises(PluginUnreadable, match=says):
        find_plugin("filters", "thing", write(tmp_path, text))


def test_names_that_open_webui_would_refuse(tmp_path: Path) -> None:
    with pytest.raises(PluginUnreadable, match="Use a-z, 0-9 and _"):
        find_plugin("filters", "my-thing", write(tmp_path, "", "my-thing"))


def test_a_missing_file_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(PluginMissing, match=str(tmp_path)):
        find_plugin("filters", "nothing", tmp_path)


def test_a_plugin_for_a_newer_open_webui_is_refused(plugins: Path) -> None:
    manifest = Manifest(filters=(FunctionEntry(name="sekisho_greeting"),))
    options = Options("http://gateway/v1", plugins=plugins)
    assert desired_functions(manifest, options, "0.12.4")
    with pytest.raises(PluginNeedsNewer, match=r"needs Open WebUI 0\.12\.0; this is 0\.11\.9"):
        desired_functions(manifest, options, "0.11.9")


def test_valves_from_the_environment(plugins: Path) -> None:
    entry = FunctionEntry(name="sekisho_greeting", valves={"secret": "${GREETING_SECRET}", "loudness": 3})
    manifest = Manifest(filters=(entry,))

    (given,) = desired_functions(manifest, Options("u", plugins=plugins, environment={"GREETING_SECRET": "s"}), "1.0")
    assert str(given.valves) == "{'secret': ***, 'loudness': 3}"

    (missing,) = desired_functions(manifest, Options("u", plugins=plugins), "1.0")
    assert missing.valves == {"loudness": 3}
    assert missing.unset == {"secret": "GREETING_SECRET"}
