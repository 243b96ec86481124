"""What dialects with only users and assistants make of turns alike."""

import msgspec

from gateway.translation.codec import Writing
from gateway.translation.parts import Document, Image, Part, Text


def marked(part: Part) -> Part:
    """Return a text of the system in words of the user."""
    if not isinstance(part, Text) or not part.text.strip():
        return part
    return msgspec.structs.replace(part, text=f"<system>\n{part.text}\n</system>")


def is_medium(part: Part, writing: Writing) -> bool:
    """Return whether a part is a medium, which an assistant's message may not hold, and note it as dropped."""
    if not isinstance(part, Image | Document):
        return False
    writing.drop("image" if isinstance(part, Image) else "document")
    return True
