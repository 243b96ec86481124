"""LiteLLM's configuration read, and ours written from it, with a finding for every setting."""
