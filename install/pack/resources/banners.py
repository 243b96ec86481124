"""Banners: notices above every chat."""

from collections.abc import Iterator

from install.open_webui import OpenWebUI
from install.pack.inputs import PlanInputs
from install.pack.manifest import Manifest
from install.pack.manifest.entries import BannerEntry
from install.pack.resources.kind import Kind, Wanted
from install.pack.tree import Json, leaves


class Banners(Kind):
    name = "banner"
    overwrites = True

    def read(self, client: OpenWebUI) -> dict[str, Json]:
        banners = client.settings().get("ui.banners") or []
        return {each["id"]: {key: value for key, value in each.items() if key != "id"} for each in banners}

    def write(self, client: OpenWebUI, id: str, current: Json | None, target: Json | None) -> None:
        banners = list(client.settings().get("ui.banners") or [])
        position = next((index for index, each in enumerate(banners) if each["id"] == id), len(banners))
        banners[position : position + 1] = [] if target is None else [{"id": id, **target}]
        client.set_settings({"ui.banners": banners})


_CONSOLE = "sekisho-console"
_CONSOLE_WORDS = {
    "en": "Your use, budget, API keys and the set-up of your tools: [my page]({url}/console)",
    "ja-JP": "利用状況、予算、APIキー、ツールの設定: [マイページ]({url}/console)",
}


def wanted_banners(inputs: PlanInputs) -> Iterator[Wanted]:
    for banner in (*inputs.manifest.banners, *console_banners(inputs.manifest)):
        fields = banner.model_dump(exclude={"id"} if banner.i18n else {"id", "i18n"}) | {"timestamp": 0}
        yield Wanted("banner", banner.id, dict(leaves(fields)))


def console_banners(manifest: Manifest) -> tuple[BannerEntry, ...]:
    """Return the banner that leads to people's own pages, where the manifest names their address."""
    if manifest.console is None:
        return ()
    url = manifest.console.url.rstrip("/")
    words = {locale: text.format(url=url) for locale, text in _CONSOLE_WORDS.items()}
    return (BannerEntry(id=_CONSOLE, content=words["en"], i18n={"ja-JP": {"content": words["ja-JP"]}}),)
