"""Words of the pages on which people sign in at tool servers."""

WORDS: dict[str, tuple[str, str]] = {
    "tool_servers.menu": ("Tool servers", "ツールサーバー"),
    "tool_servers.title": ("Tool servers", "ツールサーバー"),
    "tool_servers.sign_in.title": ("Sign in to {server}", "{server}にサインイン"),
    "tool_servers.sign_in.why": (
        "The tools of {server} ({host}) will act in your name. You sign in at {issuer}; your password stays there.",
        "{server}（{host}）のツールが、あなたの権限で動作するようになります。サインイン先は{issuer}で、パスワードはこの画面には渡りません。",
    ),
    "tool_servers.sign_in.scopes": ("You are asked to allow:", "次の許可を求められます:"),
    "tool_servers.sign_in.no_scopes": (
        "What you allow is told on the next page.",
        "許可する内容は次のページに表示されます。",
    ),
    "tool_servers.sign_in.own": (
        "Go on only if you asked for this yourself.",
        "ご自身で操作した場合だけ、続けてください。",
    ),
    "tool_servers.sign_in.button": ("Go to {issuer}", "{issuer}へ進む"),
    "tool_servers.leaving": ("You are taken to {host}.", "{host}に移動します。"),
    "tool_servers.leaving.link": ("Go on", "進む"),
    "tool_servers.done": (
        "You are signed in to {server}. Go back to your chat or program; its tools work now.",
        "{server}にサインインしました。チャットやプログラムに戻ると、ツールを使えます。",
    ),
    "tool_servers.none": (
        "There is no tool server at which one has to sign in.",
        "サインインが必要なツールサーバーはありません。",
    ),
    "tool_servers.server": ("Tool server", "ツールサーバー"),
    "tool_servers.state": ("State", "状態"),
    "tool_servers.signed_in": ("signed in at {issuer}", "{issuer}でサインイン済み"),
    "tool_servers.signed_out": ("not signed in", "未サインイン"),
    "tool_servers.sign_in": ("Sign in", "サインイン"),
    "tool_servers.sign_out": ("Sign out", "サインアウト"),
    "tool_servers.failed": ("You are not signed in", "サインインできませんでした"),
    "tool_servers.nobody": (
        "The admin key is no person: people sign in at tool servers for themselves.",
        "管理キーでは、ツールサーバーにサインインできません。各自でサインインしてください。",
    ),
    "tool_servers.other_person": (
        "This link is for somebody else. If you sign in with it, their tools would work with your rights.",
        "このリンクは別の人のものです。サインインすると、その人のツールがあなたの権限で動くおそれがあります。",
    ),
    "tool_servers.other_person.title": ("This link is not yours", "あなた宛てのリンクではありません"),
    "tool_servers.other_person.how": (
        "Use the link that your own chat or program shows you, or sign out and in again as the right person.",
        "ご自分のチャットやプログラムに表示されたリンクを使うか、正しいユーザーでサインインし直してください。",
    ),
}
