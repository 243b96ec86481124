"""Text of which nothing can become a link, a picture, HTML or an instruction."""

import re

from plugins.shared.visible import visible

LINK = re.compile(r"(?:https?://|www\.)[^\s<>\"'`）」』、。［］\[\]()]+", re.IGNORECASE)
FULL_WIDTH = str.maketrans({"[": "［", "]": "］", "<": "＜", ">": "＞"})


def plain(text: str, known: str | None = None) -> str:
    """Return text of which nothing can become a link, a picture, HTML or a citation.

    Addresses are shown for copying; with `known`, only those that stand in it.
    """
    shown: list[str] = []
    at = 0
    for match in LINK.finditer(text := visible(text)):
        shown.append(text[at : match.start()].translate(FULL_WIDTH))
        shown.append(f"`{match.group()}`" if known is None or match.group() in known else "…")
        at = match.end()
    return "".join([*shown, text[at:].translate(FULL_WIDTH)]).strip()


COMMANDING = re.compile(
    r"ignore (all |any |the )*(previous|prior|above|earlier)|disregard (all|any|the|previous)|developer mode"
    r"|system prompt|new (rule|instruction)s?\b|\[/?INST\]|<</?SYS|tool_calls?\b|# Instructions|respond with"
    r"|only correct answer|<\|?/?(im_start|im_end|system|start_of_turn|end_of_turn|passage)"
    r"|^\s*(system|assistant|human|user)\s*[:：]"
    r"|(これまで|以前)の(指示|命令)|(指示|命令)を(すべて)?無視|AI(アシスタント)?へ。|必ず次の"
    r"|と(だけ)?(回答|案内)(してください|すること)",
    re.IGNORECASE | re.MULTILINE,
)


def quiet(text: str) -> str:
    """Return a passage for a model, without sentences that speak to the model. The citation opens all of it."""
    flat = visible(text)
    kept = [part for part in re.split(r"(?<=[。！？!?\n])", flat) if not COMMANDING.search(part)]
    return "".join(kept).replace("<", "＜").replace(">", "＞")
