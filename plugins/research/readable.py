"""Text that was found, as it may be read on."""

import re
import unicodedata

from plugins.shared.json_values import label
from plugins.shared.visible import visible

LARGEST_PAGE = 3_000_000  # bytes of HTML, of which more is cut off


def readable(text: str) -> str:
    lines = (
        " ".join(line.split()) for line in unicodedata.normalize("NFKC", visible(text[:LARGEST_PAGE])).splitlines()
    )
    return "\n".join(filter(None, lines))


def plain(name: str) -> str:
    """Return a title that can stand in Markdown and does nothing there."""
    return label(re.sub(r"[\[\]()<>{}!*_`|#\\]|\w+://\S*", " ", readable(name)))[:150]
