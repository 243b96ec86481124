"""OpenSearch, Elasticsearch."""

import asyncio
import base64
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit

import aiohttp
from open_webui.env import AIOHTTP_CLIENT_SESSION_SSL

from plugins.document_search.access import may_use
from plugins.document_search.extents import passages_in
from plugins.document_search.index import Shelf, shelf_of
from plugins.document_search.meaning import rank_of
from plugins.document_search.passages import Passage
from plugins.document_search.planning import Plan
from plugins.document_search.ranking import Near
from plugins.document_search.turn import Turn, split_list
from plugins.shared.bounded import read_within
from plugins.shared.groups import groups_of
from plugins.shared.json_values import dict_of, dicts, label, words
from plugins.shared.log import log
from plugins.shared.network import PublicResolver, refuse_private
from plugins.shared.trouble import Trouble
from plugins.shared.types import Json
from plugins.shared.visible import visible

OPENSEARCH_SECONDS = 10
MOST_OF_HIT = 200_000  # characters
LARGEST_RESPONSE = 10_000_000  # bytes
OPENSEARCH_REFUSALS = {401: "os_key", 403: "os_key", 404: "os_missing"}


async def access_of(turn: Turn) -> list[Json]:
    """Return the filter for documents that are open to this person; empty if the settings name no field."""
    if not (name := turn.valves.opensearch_access_field.strip()):
        return []
    groups = await groups_of(turn.user["id"])
    mine = [turn.user["id"], turn.user.get("email"), *groups.values(), *groups]
    return [{"terms": {name: [each for each in mine if each]}}]


def search_body(turn: Turn, plan: Plan, filters: list[Json]) -> Json:
    fields = split_list(turn.valves.opensearch_fields)
    wanted = [f"{name}^2" if at == 0 and len(fields) > 1 else name for at, name in enumerate(fields[:2])]
    should = [{"multi_match": {"query": query, "fields": wanted or ["*"]}} for query in plan.queries]
    query = {"bool": {"should": should, "minimum_should_match": 1, "filter": filters}}
    return {"size": 20, "query": query, "_source": fields or True, "track_total_hits": True}


def authorization(key: str) -> dict[str, str]:
    if not key:
        return {}
    basic = base64.b64encode(key.encode()).decode()
    return {"Authorization": f"Basic {basic}" if ":" in key else f"ApiKey {key}"}


async def hits(valves: Any, body: Json) -> Json:
    """Return the `hits` of the index. Raises Trouble, aiohttp.ClientError, TimeoutError."""
    address = valves.opensearch_url.strip().rstrip("/")
    if not valves.private_addresses:
        refuse_private(urlsplit(address).hostname or "")
    index = quote(valves.opensearch_index.strip() or "_all", safe=",*")
    connector = None if valves.private_addresses else aiohttp.TCPConnector(resolver=PublicResolver())
    timeout = aiohttp.ClientTimeout(total=OPENSEARCH_SECONDS)
    async with (
        aiohttp.ClientSession(timeout=timeout, connector=connector, trust_env=connector is None) as session,
        session.post(
            f"{address}/{index}/_search",
            json=body,
            headers=authorization(valves.opensearch_key.strip()),
            ssl=AIOHTTP_CLIENT_SESSION_SSL,
            allow_redirects=False,
        ) as answer,
    ):
        if answer.status != 200:
            raise Trouble(OPENSEARCH_REFUSALS.get(answer.status, "os_failed"), status=answer.status)
        try:
            return dict_of(dict_of(json.loads(await read_within(answer.content, LARGEST_RESPONSE)))["hits"])
        except (ValueError, KeyError, RecursionError) as error:
            raise Trouble("os_garbage") from error


def passages_of_hits(valves: Any, response: Json) -> Iterator[Passage]:
    title, body, address = [*split_list(valves.opensearch_fields), "", "", ""][:3]
    for hit in dicts(response.get("hits"))[:20]:
        said = dict_of(hit.get("_source"))
        key = f"opensearch:{hit.get('_index')}:{hit.get('_id')}"
        name = visible(label(words(said.get(title)))) or str(hit.get("_id"))[:100]
        url = label(said.get(address)) if urlsplit(label(said.get(address))).scheme in ("http", "https") else ""
        yield from passages_in(key, visible(words(said.get(body)))[:MOST_OF_HIT], Passage("", "", name, url=url))[:40]


def document_of(passage: Passage) -> str:
    return passage.key.rpartition(":")[0]


def of_rank(shelf: Shelf | None) -> Near:
    """Return the index's own order as similarities."""
    passages = shelf.passages if shelf else []
    places = {document: at for at, document in enumerate(dict.fromkeys(map(document_of, passages)))}
    return {passage.key: (rank_of(places[document_of(passage)]), passage) for passage in passages}


async def shelf_of_opensearch(turn: Turn, plan: Plan) -> Shelf | None:
    valves = turn.valves
    if not valves.opensearch_url.strip() or not await may_use(turn, valves.opensearch_groups):
        return None
    try:
        response = await hits(valves, search_body(turn, plan, await access_of(turn)))
        passages = list(passages_of_hits(valves, response))
    except Trouble as trouble:
        turn.note(trouble.key, **trouble.said)
        return None
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        log.warning("document_search: OpenSearch: %s", type(error).__name__)
        turn.note("os_unreachable")
        return None
    documents = len({document_of(passage) for passage in passages})
    return await asyncio.to_thread(shelf_of, valves.opensearch_index or "OpenSearch", passages, documents)
