"""Texts of the settings."""

I18N: dict[str, dict[str, str]] = {
    "en-US": {
        "name": "Prompts and documents",
        "description": "Ready-made prompts and documents of the company's tools. Write for example “choose a prompt” "
        "or “choose a document”.",
        "valves.server.title": "Tool server",
        "valves.server.description": "Its id in Open WebUI; empty for the one that `sekisho apply` set up.",
    },
    "ja-JP": {
        "name": "プロンプトと資料",
        "description": "社内ツールが用意したプロンプトや資料を使えます。「プロンプトを選びたい」「資料を選びたい」"
        "のように書いてください。",
        "valves.server.title": "ツールサーバー",
        "valves.server.description": "Open WebUIでのIDです。空欄なら `sekisho apply` が登録したものを使います。",
    },
}
