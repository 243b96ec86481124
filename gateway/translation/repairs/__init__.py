"""Brings a conversation into what the upstream's model accepts: mapped, left out and told, or refused."""

from gateway.translation.codec import Codec, Writing
from gateway.translation.conversation import Conversation
from gateway.translation.dropping import check_references, without_server_tools
from gateway.translation.repairs.calls import with_paired_calls
from gateway.translation.repairs.limits import within_limits
from gateway.translation.repairs.media import with_known_media
from gateway.translation.repairs.settings import with_known_settings
from gateway.translation.repairs.texts import without_empty_texts
from gateway.translation.repairs.tools import with_known_tools

__all__ = ["repaired"]


def repaired(conversation: Conversation, client: Codec, upstream: Codec, writing: Writing) -> Conversation:
    """Return what may be written for the upstream. Raises `InvalidRequest` for what cannot be mended or left out."""
    check_references(conversation, upstream)
    conversation = without_server_tools(conversation, client, upstream, writing)
    conversation = without_empty_texts(conversation)
    conversation = with_paired_calls(conversation, writing.profile)
    conversation = with_known_tools(conversation, upstream, writing)
    conversation = with_known_media(conversation, writing)
    conversation = with_known_settings(conversation, writing)
    return within_limits(conversation, writing)
