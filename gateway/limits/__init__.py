"""Limits: reserved before a request runs, settled after it, in one process or shared by many."""
