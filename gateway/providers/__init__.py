"""Where to call and how to sign."""
