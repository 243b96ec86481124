"""The guard before the web, and what it lets through."""
