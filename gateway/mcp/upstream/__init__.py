"""Connections to tool servers."""
