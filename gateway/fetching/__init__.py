"""Fetches media that requests name by address, for models that take bytes alone, and nothing that is private."""
