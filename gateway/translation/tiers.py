"""Tiers of service in OpenAI's words, in which both of its APIs report them."""

_TIERS = {"standard": "default", "on_demand": "default"}
"""Words of Messages and of Groq."""
_KNOWN = ("auto", "default", "flex", "scale", "priority", "fast")


def openai_tier(found: str | None) -> str | None:
    """Return a tier as OpenAI's clients know it; None where they have no word for it."""
    found = _TIERS.get(found or "", found)
    return found if found in _KNOWN else None
