"""Conversations between a client of one dialect and an upstream of another."""
