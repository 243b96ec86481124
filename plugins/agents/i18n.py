"""Texts of the settings."""

I18N: dict[str, dict[str, str]] = {
    "en-US": {
        "name": "Agents",
        "description": "Puts agents with an OpenAI-compatible API into the model menu.",
        "valves.priority.title": "Order",
        "valves.priority.description": "Not used; every function of the pack has it.",
        "valves.agents.title": "Agents",
        "valves.agents.description": "A JSON list: id, name, url (up to /v1), model, dialect (chat or responses), "
        "icon, description, groups, files (none, text or bytes), timeout (seconds of silence).",
        "valves.keys.title": "Keys of the agents",
        "valves.keys.description": "One a line: id=key. Or a JSON object.",
        "valves.gateway_url.title": "Gateway",
        "valves.gateway_url.description": "Address up to /v1. Its models with mode: agent stand in the menu too, "
        "and its ledger counts what they cost. Empty: only the list above.",
        "valves.identity_secret.title": "Identity secret",
        "valves.identity_secret.description": "32 characters or more. The agent learns from a signature who asks. "
        "Empty: it learns nothing.",
        "valves.share.title": "What the agents learn",
        "valves.share.description": "The user's id is always sent, and so are role and groups.",
        "valves.share.enum.id": "Id only",
        "valves.share.enum.id_and_email": "Id and e-mail address",
        "valves.share.enum.all": "Id, e-mail address and name",
        "valves.lifetime_seconds.title": "Lifetime of a signature (seconds)",
        "valves.lifetime_seconds.description": "How long an agent may use it, for instance to call a model in turn.",
        "valves.public_only.title": "Public addresses only",
        "valves.public_only.description": "Refuse agents whose address lies within the company's network. "
        "Proxies are not used then.",
        "valves.longest_question.title": "Longest question (characters)",
        "valves.longest_question.description": "A longer one is refused with a sentence.",
        "valves.file_megabytes.title": "Files (megabytes)",
        "valves.file_megabytes.description": "As much of the attached files goes to an agent in one turn.",
        "valves.heartbeat_seconds.title": "Sign of life (seconds)",
        "valves.heartbeat_seconds.description": "After this much silence a line says that the agent is still working.",
    },
    "ja-JP": {
        "name": "エージェント",
        "description": "OpenAI互換APIのエージェントをモデルの一覧に加えます。",
        "valves.priority.title": "順序",
        "valves.priority.description": "使用しません。パックのすべての関数に共通の項目です。",
        "valves.agents.title": "エージェント",
        "valves.agents.description": "JSONの配列です。id、name、url（/v1まで）、model、"
        "dialect（chatまたはresponses）、icon、description、groups、files（none、text、bytes）、timeout（無応答を待つ秒数）を書きます。",
        "valves.keys.title": "エージェントのキー",
        "valves.keys.description": "1行に1つ「id=キー」と書きます。JSONオブジェクトでも構いません。",
        "valves.gateway_url.title": "ゲートウェイ",
        "valves.gateway_url.description": "/v1までのアドレスです。mode: agentのモデルも一覧に加わり、"
        "利用額がゲートウェイの台帳に記録されます。空の場合は上の一覧だけを使います。",
        "valves.identity_secret.title": "利用者を署名する共有シークレット",
        "valves.identity_secret.description": "32文字以上です。エージェントは署名によって質問者を知ります。"
        "空の場合は何も伝えません。",
        "valves.share.title": "エージェントに渡す情報",
        "valves.share.description": "利用者ID、ロール、グループは常に渡されます。",
        "valves.share.enum.id": "IDのみ",
        "valves.share.enum.id_and_email": "IDとメールアドレス",
        "valves.share.enum.all": "ID、メールアドレス、氏名",
        "valves.lifetime_seconds.title": "署名の有効期間（秒）",
        "valves.lifetime_seconds.description": "エージェントがモデルの呼び出しなどに署名を使える時間です。",
        "valves.public_only.title": "公開アドレスのみ",
        "valves.public_only.description": "社内ネットワークのアドレスを持つエージェントを拒否します。"
        "このときプロキシは使いません。",
        "valves.longest_question.title": "質問の最大文字数",
        "valves.longest_question.description": "これより長い質問は、説明を表示して受け付けません。",
        "valves.file_megabytes.title": "ファイル（MB）",
        "valves.file_megabytes.description": "1回の質問でエージェントに渡す添付ファイルの上限です。",
        "valves.heartbeat_seconds.title": "作業中の表示（秒）",
        "valves.heartbeat_seconds.description": "この時間応答がないと、作業中であることを表示します。",
    },
}
