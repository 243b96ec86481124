"""Texts of the settings."""

I18N: dict[str, dict[str, str]] = {
    "en-US": {
        "name": "My page",
        "description": "Opens your page at the gateway: use and budget, keys, set-up of tools.",
        "valves.priority.title": "Order",
        "valves.priority.description": "Buttons with a lower number come first.",
        "valves.gateway_url.title": "Address of the gateway",
        "valves.gateway_url.description": "As in the connection, whose key is used.",
        "valves.secret.title": "Secret",
        "valves.secret.description": "The gateway's identity secret, 32 characters or more.",
        "valves.email.title": "Tell the e-mail address",
        "valves.email.description": "Lets the gateway know whose keys, budget and rights these are.",
    },
    "ja-JP": {
        "name": "マイページ",
        "description": "ゲートウェイの自分のページを開きます（利用状況と予算、APIキー、ツール設定）。",
        "valves.priority.title": "順序",
        "valves.priority.description": "数字の小さいボタンから並びます。",
        "valves.gateway_url.title": "ゲートウェイのアドレス",
        "valves.gateway_url.description": "接続のアドレスです。そのキーを使います。",
        "valves.secret.title": "共有シークレット",
        "valves.secret.description": "ゲートウェイと同じ値（32文字以上）です。",
        "valves.email.title": "メールアドレスを渡す",
        "valves.email.description": "ゲートウェイが本人のキー・予算・権限を見分けられるようになります。",
    },
}
