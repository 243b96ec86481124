from tests.fixtures.plugin_host import ROOT, PluginHost, plugin_host

__all__ = ["ROOT", "PluginHost", "plugin_host"]
