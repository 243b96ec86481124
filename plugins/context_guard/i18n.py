"""Texts of the settings."""

I18N: dict[str, dict[str, str]] = {
    "en-US": {
        "name": "Context guard",
        "description": "Measures what really goes to the model, warns when it is nearly full, "
        "and stops what the model could not read.",
        "valves.priority.title": "Order",
        "valves.priority.description": "Filters with a lower number run first; this one belongs after Full text.",
        "valves.warn_percent.title": "Warn at (percent)",
        "valves.warn_percent.description": "Share of the model's window from which a line warns. 0: never.",
        "valves.stop_percent.title": "Stop at (percent)",
        "valves.stop_percent.description": "Share of the window beyond which a message is not sent. 0: never.",
        "valves.window.title": "Window if unknown (tokens)",
        "valves.window.description": "For models whose upstream does not tell how much they read. 0: not measured.",
    },
    "ja-JP": {
        "name": "コンテキストの見張り",
        "description": "モデルに実際に送る量を測り、上限に近づくと知らせ、読み切れないものは送る前に止めます。",
        "valves.priority.title": "順序",
        "valves.priority.description": "数字の小さいフィルターから実行されます。「全文」より後にしてください。",
        "valves.warn_percent.title": "警告する割合（％）",
        "valves.warn_percent.description": "モデルが読める量のこの割合を超えると警告を表示します。0は警告なしです。",
        "valves.stop_percent.title": "止める割合（％）",
        "valves.stop_percent.description": "この割合を超えるメッセージは送りません。0は止めません。",
        "valves.window.title": "上限が不明なとき（トークン）",
        "valves.window.description": "読める量を公開していないモデルに使う値です。0は測りません。",
    },
}
