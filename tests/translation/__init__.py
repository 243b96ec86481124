"""Tests of `gateway.translation`."""
