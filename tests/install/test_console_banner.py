"""`console:` in the manifest: a banner that leads people to their own pages."""

from pathlib import Path

import pytest

from install.errors import ManifestError
from install.pack.manifest import read_manifest
from install.pack.resources.banners import console_banners


def _manifest(folder: Path, text: str) -> Path:
    path = folder / "pack.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("url", ["https://ai.example.com", "https://ai.example.com/", "http://127.0.0.1:4000"])
def test_the_banner_leads_to_the_pages_in_both_languages(tmp_path: Path, url: str) -> None:
    manifest = read_manifest(_manifest(tmp_path, f'console: {{url: "{url}"}}'))
    (banner,) = console_banners(manifest)
    link = f"({url.rstrip('/')}/console)"
    assert link in banner.content
    assert link in banner.i18n["ja-JP"]["content"]
    assert "マイページ" in banner.i18n["ja-JP"]["content"]


def test_without_it_there_is_none(tmp_path: Path) -> None:
    assert console_banners(read_manifest(_manifest(tmp_path, "models: all"))) == ()


@pytest.mark.parametrize(
    "url",
    ["ai.example.com", "https://ai.example.com/console", "javascript:alert(1)", "https://a)](evil", "", "ftp://a"],
)
def test_an_address_that_cannot_be_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(ManifestError):
        read_manifest(_manifest(tmp_path, f'console: {{url: "{url}"}}'))
