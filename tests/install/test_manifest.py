"""The manifest: short forms, the bundled file, and errors that name file, line and what is allowed."""

from pathlib import Path

import pytest

from install.errors import ManifestError
from install.pack.manifest import FUNCTION_KINDS, Manifest, read_manifest
from install.pack.manifest.entries import EmbeddingsEntry, FunctionEntry, ModelEntry, TaskModelEntry
from install.pack.plugin import find_plugin


def test_the_bundled_manifest_names_plugins_that_are_there() -> None:
    manifest = read_manifest()
    assert {"full_text", "user_identity"} <= {entry.name for entry in manifest.filters}
    for kind in (*FUNCTION_KINDS, "tools"):
        for entry in getattr(manifest, kind):
            assert find_plugin(kind, entry.name).id == entry.name
    assert manifest.models is None


def test_short_and_long_forms(tmp_path: Path) -> None:
    path = tmp_path / "pack.yaml"
    models = "models: [a, {name: b, groups: [g]}]\nembeddings: e5\ntask_model: {model: a}\n"
    path.write_text(f"{models}filters:\n  - one\n  - {{name: two, global: false}}\n")

    found = read_manifest(path)
    assert found.models == (ModelEntry(name="a"), ModelEntry(name="b", groups=("g",)))
    assert found.filters == (FunctionEntry(name="one"), FunctionEntry.model_validate({"name": "two", "global": False}))
    assert found.embeddings == EmbeddingsEntry(name="e5")
    assert found.task_model == TaskModelEntry(name="a")


def test_an_empty_file_is_an_empty_pack(tmp_path: Path) -> None:
    path = tmp_path / "pack.yaml"
    path.write_text("")
    assert read_manifest(path).model_dump() == Manifest().model_dump()


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (
            "models: all\nfilter: [x]\n",
            2,
            "filter: unknown key. Allowed: connection, connections, models, default_filters",
        ),
        ("filters:\n  - one\n  - name: two\n    valvs: {}\n", 4, "filters.1.valvs: unknown key. Allowed: name, active"),
        ("models:\n  - groups: [g]\n", 2, "models.0.name: Field required"),
        ("models: some\n", 1, "models: Input should be a valid tuple"),
        ("models: [\n", 2, "not YAML"),
        ("models: [a, b,\n  a]\n", 2, "models.2: a is there twice"),
        ("images: {model: m, size: huge}\n", 1, "images.size: String should match pattern"),
        ("embeddings: {batch_size: 3}\n", 1, "embeddings.model: Field required"),
        ("banners:\n  - id: x\n    type: loud\n    content: y\n", 3, "banners.0.type: Input should be 'info'"),
        ("prompts:\n  - {command: Not OK, name: n, content: c}\n", 2, "prompts.0.command: String should match"),
        ("- a\n", 1, "the file: Input should be a valid dictionary"),
    ],
)
def test_errors_name_the_line(tmp_path: Path, text: str, line: int, says: str) -> None:
    path = tmp_path / "pack.yaml"
    path.write_text(text)
    with pytest.raises(ManifestError) as error:
        read_manifest(path)
    assert str(error.value).startswith(f"{path}:{line}: ")
    assert says in str(error.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"none\.yaml: cannot be read"):
        read_manifest(tmp_path / "none.yaml")
