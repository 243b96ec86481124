import pytest

from tests.filters.chatting import Chat, chat_of_somebody
from tests.fixtures.plugin_host import ROOT, PluginHost, plugin_host

__all__ = ["ROOT", "PluginHost", "plugin_host"]


@pytest.fixture
def chat(plugin_host: PluginHost) -> Chat:
    return chat_of_somebody(plugin_host)
