"""Configuration of coding tools and other clients of the gateway: `sekisho client NAME`."""
