"""A person's own pages."""

from tests.console.company import SignIn


def test_every_page_is_shown(sign_in: SignIn) -> None:
    for language in ("en", "ja"):
        browser = sign_in("shown@example.com", language)
        for path in ("", "/models", "/keys", "/tools", "/try", "/account", "/tools/claude-code"):
            page = browser.get(f"/console{path}")
            assert page.status_code == 200, path
            assert f'lang="{language}"' in page.text
