"""Fixtures of the console's tests."""

from tests.console.company import CONFIG, SignIn, ask_link, chat_key, company, make_key, sign_in

__all__ = ["CONFIG", "SignIn", "ask_link", "chat_key", "company", "make_key", "sign_in"]
