"""The text of an HTML page."""

from html.parser import HTMLParser
from typing import Any

SKIPPED = {"script", "style", "noscript", "template", "svg", "iframe", "select"}
AROUND = {"nav", "header", "footer", "aside", "form", "button"}
INLINE = {
    "a",
    "abbr",
    "b",
    "bdi",
    "cite",
    "code",
    "em",
    "font",
    "i",
    "mark",
    "q",
    "ruby",
    "s",
    "small",
    "span",
    "strong",
}


class PageText(HTMLParser):
    """The text of a page without what stands around it."""

    def __init__(self, skipped: set[str]) -> None:
        super().__init__(convert_charrefs=True)
        self.skipped, self.within = skipped, list[str]()
        self.title, self.parts, self.in_title = "", list[str](), False

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag in self.skipped:
            self.within.append(tag)
        self.in_title = tag == "title" or self.in_title
        if tag not in INLINE:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in self.within:
            while self.within.pop() != tag:
                pass
        self.in_title = self.in_title and tag != "title"
        if tag not in INLINE:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if self.in_title and not self.within:
            self.title += data
        elif not self.within:
            self.parts.append(data)


def html_text(page: str) -> tuple[str, str]:
    """Return title and text. If leaving things out leaves next to nothing, less is left out."""
    for skipped in (SKIPPED | AROUND, SKIPPED):
        parser = PageText(skipped)
        parser.feed(page)
        parser.close()
        text = "".join(parser.parts)
        if len(text.strip()) > 300:
            break
    return parser.title, text
