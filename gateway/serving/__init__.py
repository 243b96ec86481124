"""The HTTP/1.1 server, with limits, and the life cycle of its process."""
