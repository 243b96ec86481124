"""The people's pages at `/console`: signing in, own use and keys, set-up of tools, and what administrators see."""
