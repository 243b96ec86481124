"""A button that leads to a person's own page at the gateway."""
