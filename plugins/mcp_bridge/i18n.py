"""Texts of the settings."""

I18N: dict[str, dict[str, str]] = {
    "en-US": {
        "name": "Tool progress",
        "description": "Shows how far a tool is, what it links to and why one does not answer.",
        "valves.priority.title": "Order",
        "valves.priority.description": "Filters with a lower number run first.",
        "valves.logs.title": "Show what tools report",
        "valves.logs.description": "Lines that a tool writes while it works, as status lines of the answer.",
        "valves.pages.title": "Show pages of tools",
        "valves.pages.description": "HTML that a tool returns is shown in a frame below the answer.",
    },
    "ja-JP": {
        "name": "ツールの進み具合",
        "description": "ツールの進み具合と参照先、応答しない理由を表示します。",
        "valves.priority.title": "順序",
        "valves.priority.description": "数字の小さいフィルターから実行されます。",
        "valves.logs.title": "ツールの報告を表示",
        "valves.logs.description": "ツールが作業中に書き出す行を、回答の状態として表示します。",
        "valves.pages.title": "ツールのページを表示",
        "valves.pages.description": "ツールが返すHTMLを、回答の下の枠に表示します。",
    },
}
