"""The manifest: short forms, the bundled file, and errors that name file, line and what is allowed."""

from pathlib import Path

import pytest

from install.errors import ManifestError
from install.pack.manifest import FunctionEntry, Manifest, ModelEntry, read_manifest


def test_the_bundled_manifest_names_both_filters() -> None:
    manifest = read_manifest()
    assert [entry.name for entry in manifest.filters] == ["full_text", "user_identity"]
    assert manifest.models is None


def test_short_and_long_forms(tmp_path: Path) -> None:
    path = tmp_path / "pack.yaml"
    path.write_text("models: [a, {name: b, groups: [g]}]\nfilters:\n  - one\n  - {name: two, global: false}\n")

    assert read_manifest(path) == Manifest(
        models=(ModelEntry(name="a"), ModelEntry(name="b", groups=("g",))),
        filters=(FunctionEntry(name="one"), FunctionEntry.model_validate({"name": "two", "global": False})),
    )


def test_an_empty_file_is_an_empty_pack(tmp_path: Path) -> None:
    path = tmp_path / "pack.yaml"
    path.write_text("")
    assert read_manifest(path) == Manifest()


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("models: all\nfilter: [x]\n", 2, "filter: unknown key. Allowed: connection, models, filters"),
        ("filters:\n  - one\n  - name: two\n    valvs: {}\n", 4, "filters.1.valvs: unknown key. Allowed: name, active"),
        ("models:\n  - groups: [g]\n", 2, "models.0.name: Field required"),
        ("models: some\n", 1, "models: Input should be a valid tuple"),
        ("models: [\n", 2, "not YAML"),
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
