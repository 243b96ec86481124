"""JSON shapes and nothing else: pure functions, no network, no logging."""
