"""The manifest: which plugins, models and settings the pack consists of."""

from install.pack.manifest.schema import BUNDLED, FUNCTION_KINDS, Manifest, PluginSection, read_manifest

__all__ = ["BUNDLED", "FUNCTION_KINDS", "Manifest", "PluginSection", "read_manifest"]
