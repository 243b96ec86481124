"""Code completion in three dialects: Completions with a suffix, Mistral's fill-in-the-middle, llama.cpp's infill.

Nothing here knows of conversations: a gap in a text goes up, a text comes back.
"""
