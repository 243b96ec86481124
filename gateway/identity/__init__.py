"""Who is asking: the key, and the person behind it."""
