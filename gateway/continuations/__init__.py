"""What a client's dialect cannot carry, kept for its own next requests."""
