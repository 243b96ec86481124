"""The configuration file: its shape, how it is read, and how changes are noticed."""
