"""Text without what a person does not see and a model reads."""

import re

# Unicode's default-ignorable characters and others of no width, variation selectors and tags (in which whole sentences
# can be hidden), controls, and halves of surrogate pairs.
INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    "\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]"
)
LINE_BREAK = re.compile("\r\n?|[\x0b\x0c\x85]")


def visible(text: str) -> str:
    """Return the text without invisible characters; line and page breaks of every kind become newlines."""
    return INVISIBLE.sub("", LINE_BREAK.sub("\n", text))
