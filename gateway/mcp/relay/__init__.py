"""Requests on their way between a client and a server."""
