"""What tool servers offer, as anybody may write it: read carefully, bounded, found by words."""

from typing import Any

import pytest

from plugins.mcp.finding import MOST_FOUND, fitting_offers
from plugins.mcp.offers import MOST_ARGUMENTS, MOST_OFFERS, MOST_PAGES, Offer, documents, filled, prompts
from plugins.shared.file_items import decoded, file_name

Json = dict[str, Any]


class Page:
    def __init__(self, content: Json) -> None:
        self.content = content

    def model_dump(self, **_: Any) -> Json:
        return self.content


class Server:
    """Answers each list with one page, for ever."""

    def __init__(self, **page: Any) -> None:
        self.page, self.asked = page, 0

    async def list_prompts(self, cursor: str | None = None) -> Page:
        self.asked += 1
        return Page(self.page)

    list_resources = list_resource_templates = list_prompts


ODD: list[Any] = [None, 1, "x", [], {}, {"name": None}, {"name": ""}, {"name": 5, "title": "t"}, {"uri": 5}]


@pytest.mark.parametrize("entries", [None, "x", {}, 7, ODD])
async def test_what_is_no_offer_is_left_out(entries: Any) -> None:
    server = Server(prompts=entries, resources=entries, resourceTemplates=entries)
    assert await prompts(server, None) == []
    assert await documents(server, None) == []


async def test_odd_parts_of_an_offer() -> None:
    entry = {
        "name": "a__b",
        "title": ["x"],
        "description": {"y": 1},
        "arguments": [*ODD, {"name": "n", "required": "yes"}],
    }
    [offer] = await prompts(Server(prompts=[entry]), None)
    assert (offer.title, offer.about) == ("a: b", "")
    assert [(each.name, each.required) for each in offer.arguments] == [("n", False)]


async def test_lists_without_end_are_bounded() -> None:
    one = Server(prompts=[{"name": "p"}], nextCursor="again")
    assert len(await prompts(one, None)) == one.asked == MOST_PAGES
    arguments = [{"name": f"a{at}"} for at in range(1000)]
    many = Server(prompts=[{"name": f"p{at}", "arguments": arguments} for at in range(2000)], nextCursor="again")
    found = await prompts(many, None)
    assert (len(found), many.asked) == (MOST_OFFERS, 1)
    assert {len(each.arguments) for each in found} == {MOST_ARGUMENTS}


@pytest.mark.parametrize(
    ("template", "values", "address"),
    [
        ("a://{x}", {"x": "b c/d"}, "a://b%20c%2Fd"),
        ("a://{+x}", {"x": "b/c?d"}, "a://b/c?d"),
        ("a://{x}/{y}", {"x": "1"}, "a://1/"),
        ("a://{x}", {"x": "{x}"}, "a://%7Bx%7D"),
        ("a://{x}", {"x": "../.."}, "a://..%2F.."),
    ],
)
def test_an_address_is_filled_in(template: str, values: Json, address: str) -> None:
    assert filled(template, values) == address


async def test_addresses_that_cannot_be_filled_in_simply_are_left_out() -> None:
    templates = [{"uriTemplate": uri, "name": "t"} for uri in ("a://{?q}", "a://{x*}", "a://{", "a://{x}", "b://{/p}")]
    found = await documents(Server(resourceTemplates=templates), None)
    assert [each.key for each in found] == ["a://{x}"]


def test_words_find_what_fits_best_first() -> None:
    offers = [Offer("prompt", f"p{at}", f"報告 {at}", "") for at in range(100)]
    best = Offer("prompt", "best", "週次の売上報告", "")
    assert fitting_offers([*offers, best], "売上報告")[0] is best
    assert len(fitting_offers(offers, "報告")) == MOST_FOUND
    for words in ("", " ", "\ud800", "\x00" * 9):
        assert fitting_offers([best], words) == []


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("", "document"),
        ("a://b/", "b"),
        ("sekisho+x:file:///a/b.pdf?c=d/e", "b.pdf"),
        ("a://%2e%2e%2fetc%2fpasswd", ".._etc_passwd"),
        ("a://x/" + "長" * 500, "長" * 80),
    ],
)
def test_the_name_of_a_file(uri: str, name: str) -> None:
    assert file_name(uri) == name


@pytest.mark.parametrize("data", [None, 5, "", "é", "a", "====", "not base64!"])
def test_what_is_no_base64_is_no_file(data: Any) -> None:
    assert decoded(data) is None
