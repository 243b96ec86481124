"""The notice that people confirm once: valves of the filter that shows it, and a banner with the link to the rules."""

from collections.abc import Iterator, Mapping

from install.errors import ManifestError
from install.pack.inputs import PlanInputs
from install.pack.manifest.values import FILE, read_text
from install.pack.resources.kind import Wanted
from install.pack.tree import leaves
from install.wording import say

FILTER = "notices"
BANNER = "sekisho_notice"
_CONTENT = {
    "en-US": "Answers can be wrong, and not everything may be entered: [the rules]({link})",
    "ja-JP": "回答には誤りが含まれることがあります。入力してよい情報にも決まりがあります: [社内ルール]({link})",
}


def notice_valves(inputs: PlanInputs) -> Mapping[str, object]:
    """Return the valves of the filter, off where the manifest has no notice. Raises `ManifestError`."""
    notice = inputs.manifest.notice
    if notice is None:
        return {"guide": False}
    texts = {f"guide_text_{name}": _text(inputs, name, value) for name, value in notice.text.model_dump().items()}
    return {"guide": True, "guide_version": notice.version, "guide_link": notice.link, **texts}


def wanted_notice(inputs: PlanInputs) -> Iterator[Wanted]:
    """Yield the banner behind which the rules stay. Raises `ManifestError` where nothing would show the notice."""
    notice = inputs.manifest.notice
    if notice is None:
        return
    if not any(entry.name == FILTER for entry in inputs.manifest.filters):
        raise ManifestError(
            inputs.manifest.where("notice"),
            say("the filter {name} shows the notice, and is not among the filters", name=FILTER),
            say("the line `- name: {name}` below `filters`, with gateway_url and secret", name=FILTER),
        )
    if notice.link:
        texts = {locale: {"content": text.format(link=notice.link)} for locale, text in _CONTENT.items()}
        yield banner(BANNER, texts)


def banner(id: str, texts: Mapping[str, Mapping[str, str]]) -> Wanted:
    """Return a banner in English and Japanese that people can close."""
    fields = {
        "type": "info",
        "title": "",
        "content": texts["en-US"]["content"],
        "dismissible": True,
        "i18n": {"ja-JP": texts["ja-JP"]},
        "timestamp": 0,
    }
    return Wanted("banner", id, dict(leaves(fields)))


def _text(inputs: PlanInputs, name: str, value: str) -> str:
    if not value.startswith(FILE):
        return value
    return read_text(inputs.manifest.folder, value, inputs.manifest.where("notice", "text", name))
