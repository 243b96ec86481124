"""Tests of `gateway.importing`."""
