"""Facts of Open WebUI 0.12.4 that the rules ask for: what it installs, and which of its functions are async."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

_PACKAGES = (
    "PIL aiocache aiofiles aiohttp anthropic anyio authlib bcrypt boto3 bs4 certifi chardet cryptography docx docx2txt "
    "fastapi ftfy httpx itsdangerous jinja2 jwt loguru lxml markdown mcp open_webui openai openpyxl orjson pandas pptx "
    "psutil pydantic pypdf pytz redis regex requests socketio sqlalchemy starlette tiktoken typing_extensions uvicorn "
    "validators xlrd yaml youtube_transcript_api"
)
INSTALLED = frozenset(_PACKAGES.split())
"""Importable in its slim image too; the names of modules, not of distributions."""

FACTS = Path(__file__).with_name("open_webui-0.12.4.json")


class Facts(NamedTuple):
    tables: frozenset[str]
    """Its database: `Files`, `Users` …; every public method is async."""
    sync: Mapping[str, frozenset[str]]
    """But these."""
    functions: Mapping[str, frozenset[str]]
    """Async functions by module."""


@cache
def facts() -> Facts:
    read = json.loads(FACTS.read_text(encoding="utf-8"))
    sets = {key: {name: frozenset(each) for name, each in read[key].items()} for key in ("sync", "functions")}
    return Facts(frozenset(read["tables"]), **sets)
