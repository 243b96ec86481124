"""Reasoning that a model writes between tags at the beginning of its text, where its server does not cut it out.

Seen with vLLM without a reasoning parser (`<think>`), and gpt-oss at Amazon Bedrock (`<reasoning>`).
"""

from collections.abc import Sequence

_MOST_HELD = 1000
"""Characters of white space that are held back."""


class InlineThinking:
    """Splits the pieces of a text as they come. White space beside the tags belongs to them."""

    def __init__(self, tags: Sequence[str]) -> None:
        self._tags = {f"<{tag}>": f"</{tag}>" for tag in tags}
        self._held = ""
        """What may be the beginning of a tag, or white space beside one."""
        self._closing = ""
        """The tag that ends the reasoning; empty outside of it."""
        self._fresh = False
        """True right after a tag, as long as white space is skipped."""
        self.over = not self._tags
        """True once the answer itself has begun: from there on nothing is split."""

    def feed(self, text: str) -> tuple[str, str]:
        """Return the reasoning and the answer in a piece of text, as far as they can be told."""
        thought = ""
        text, self._held = self._held + text, ""
        while text and not self.over:
            if self._closing:
                more, text = self._thinking(text)
                thought += more
            else:
                text = self._beginning(text)
        return thought, text

    def end(self) -> tuple[str, str]:
        """Return what of the reasoning and of the answer was held back when the text ended."""
        held, self._held, self.over = self._held, "", True
        if self._closing:
            return held.rstrip(), ""
        return "", held.lstrip() if self._fresh else held

    def _beginning(self, text: str) -> str:
        """Look for an opening tag; return what is left to be read."""
        start = text.lstrip()
        for opening, closing in self._tags.items():
            if start.startswith(opening):
                self._closing, self._fresh = closing, True
                return start[len(opening) :]
        if len(text) <= _MOST_HELD and any(opening.startswith(start) for opening in self._tags):
            self._held = text
            return ""
        self.over = True
        return start if self._fresh else text

    def _thinking(self, text: str) -> tuple[str, str]:
        """Look for the closing tag; return the reasoning, and what is left to be read."""
        if self._fresh:
            text = text.lstrip()
            self._fresh = not text
        thought, found, rest = text.partition(self._closing)
        if found:
            self._closing, self._fresh = "", True
            return thought.rstrip(), rest
        kept = len(text)
        start = text.rfind("<")
        if start >= 0 and self._closing.startswith(text[start:]):
            kept = start
        kept = len(text[:kept].rstrip())
        if len(text) - kept <= _MOST_HELD:
            self._held = text[kept:]
            return text[:kept], ""
        return text, ""
