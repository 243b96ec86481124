"""
title: Search probe
author: Sekisho
version: 0.1.0
license: MIT
description: For measuring: the passages that document_search finds, as JSON.
required_open_webui_version: 0.12.4
id: search_probe
"""

import json
from typing import Any

from open_webui.utils.plugin import get_function_module_from_cache


class Pipe:
    async def pipe(self, body: dict[str, Any], __user__: dict[str, Any], __request__: Any) -> str:
        module, *_ = await get_function_module_from_cache(__request__, "document_search")
        question = body["messages"][-1]["content"]
        return json.dumps(await module.find(question, __user__, __request__, 10), ensure_ascii=False)
