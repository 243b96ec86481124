"""The everything-server with prompts and documents as a company has them, and some as nobody should have them."""

import base64
from typing import Any

import mcp_types as types
from mcp.shared.exceptions import MCPError

from tests.fakes.mcp_everything.asking import Context
from tests.fakes.mcp_everything.call import Call, Offer, offering
from tests.fakes.mcp_everything.content import embedded, png, result, text
from tests.fakes.mcp_everything.offers import PROMPTS, RESOURCES, TEMPLATES
from tests.fakes.mcp_everything.serving import Everything

RULES = "出張の宿泊費の上限は12,000円です。"
LONG = "長" * 200_000
HTML = "<h1>売上</h1><script>document.title='owned'</script>"
TOOLS: dict[str, Offer] = {}
offer = offering(TOOLS)
WEEKLY = types.Prompt(
    name="weekly_report",
    title="週報を書く",
    description="今週のまとめを決まった形で書きます。",
    arguments=[
        types.PromptArgument(name="project", title="案件", description="案件の名前", required=True),
        types.PromptArgument(name="tone", title="文体", description="やわらかい、など", required=False),
    ],
)
ODD_PROMPTS = [
    types.Prompt(name="emoji", title="🎉\u202e party\n" + "x" * 1000, description="<script>alert(1)</script>"),
    types.Prompt(name="empty"),
    types.Prompt(name="gone", description="Its server fails."),
    types.Prompt(name="many", arguments=[types.PromptArgument(name=f"a{at}", required=at == 0) for at in range(100)]),
]
TEXTS = {
    "lib://rules": ("出張規程.txt", "text/plain", RULES),
    "lib://long": ("長い資料", "text/plain", LONG),
    "lib://page": ("売上.html", "text/html", HTML),
    "lib://empty": ("空", "text/plain", ""),
}
BLOBS = {
    "lib://picture": ("写真", "image/png", png(240, 120)),
    "lib://files/%E4%BE%A1%E6%A0%BC.csv": ("価格表", "text/csv", base64.b64encode("品,円\n松,100\n".encode()).decode()),
    "lib://files/odd.bin": ("バイナリ", "application/x-odd", base64.b64encode(bytes(range(256))).decode()),
    "lib://broken": ("壊れた", "application/pdf", "not base64!"),
}
DOCUMENTS = [
    types.Resource(uri=uri, name=name, mime_type=kind, description=f"{name}です。")
    for uri, (name, kind, _) in {**TEXTS, **BLOBS}.items()
]
TICKET = types.ResourceTemplate(uri_template="lib://tickets/{number}", name="ticket", title="問い合わせ")


@offer(annotations=types.ToolAnnotations(read_only_hint=True))
async def opening_hours(call: Call) -> Any:
    """Only reads, and needs no argument."""
    return "9:00–17:00"


@offer()
async def chart(call: Call) -> Any:
    """Draws a picture."""
    return result(types.ImageContent(type="image", data=png(240, 120), mime_type="image/png"))


@offer()
async def sales_page(call: Call) -> Any:
    """Returns a page."""
    return result(embedded("ui://sales", f"<!doctype html><meta charset=utf-8>{HTML}", "text/html"))


class Library(Everything):
    """Serves them beside the everything-server's own; `many` prompts more."""

    def __init__(self, extra: Any = None, many: int = 0) -> None:
        super().__init__({**TOOLS, **(extra or {})})
        self.many = [types.Prompt(name=f"p{at}", description=f"Number {at}.") for at in range(many)]

    async def _list_prompts(self, context: Context, params: Any) -> types.ListPromptsResult:
        return types.ListPromptsResult(prompts=[WEEKLY, *PROMPTS, *ODD_PROMPTS, *self.many])

    async def _prompt(
        self, context: Context, params: types.GetPromptRequestParams
    ) -> types.GetPromptResult | types.InputRequiredResult:
        given = params.arguments or {}
        if params.name == "weekly_report":
            words = f"「{given['project']}」の週報を{given.get('tone', 'ふつうの')}文体で書いてください。"
            return types.GetPromptResult(messages=[types.PromptMessage(role="user", content=text(words))])
        if params.name in ("emoji", "empty", "many"):
            said = {"emoji": "🎉", "empty": "", "many": str(sorted(given))}[params.name]
            return types.GetPromptResult(messages=[types.PromptMessage(role="user", content=text(said))])
        if params.name == "gone":
            raise MCPError(types.INTERNAL_ERROR, "The disk is full.")
        return await super()._prompt(context, params)

    async def _list_resources(self, context: Context, params: Any) -> types.ListResourcesResult:
        return types.ListResourcesResult(resources=[*DOCUMENTS, *RESOURCES])

    async def _list_templates(self, context: Context, params: Any) -> types.ListResourceTemplatesResult:
        return types.ListResourceTemplatesResult(resource_templates=[TICKET, *TEMPLATES])

    async def _read(self, context: Context, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
        uri = str(params.uri)
        if uri.startswith("lib://tickets/"):
            told = types.TextResourceContents(uri=uri, mime_type="text/plain", text=f"Ticket {uri[14:]}")
            return types.ReadResourceResult(contents=[told])
        if uri in TEXTS:
            _, kind, words = TEXTS[uri]
            return types.ReadResourceResult(contents=[types.TextResourceContents(uri=uri, mime_type=kind, text=words)])
        if uri in BLOBS:
            _, kind, blob = BLOBS[uri]
            return types.ReadResourceResult(contents=[types.BlobResourceContents(uri=uri, mime_type=kind, blob=blob)])
        return await super()._read(context, params)
