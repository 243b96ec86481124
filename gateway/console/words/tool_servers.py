"""Words of the pages on which people sign in at tool servers."""

WORDS: dict[str, tuple[str, str]] = {
    "tools.menu": ("Tools", "ツール"),
    "tools.title": ("Tool servers", "ツールサーバー"),
    "tools.sign_in.title": ("Sign in to {server}", "{server}にサインイン"),
    "tools.sign_in.why": (
        "The tools of {server} ({host}) will act in your name. You sign in at {issuer}; your password stays there.",
        "{server}（{host}）のツールが、あなたの権限で動作するようになります。サインイン先は{issuer}で、パスワードはこの画面には渡りません。",
    ),
    "tools.sign_in.scopes": ("You are asked to allow:", "次の許可を求められます:"),
    "tools.sign_in.no_scopes": (
        "What you allow is told on the next page.",
        "許可する内容は次のページに表示されます。",
    ),
    "tools.sign_in.own": (
        "Go on only if you asked for this yourself.",
        "ご自身で操作した場合だけ、続けてください。",
    ),
    "tools.sign_in.button": ("Go to {issuer}", "{issuer}へ進む"),
    "tools.leaving": ("You are taken to {host}.", "{host}に移動します。"),
    "tools.leaving.link": ("Go on", "進む"),
    "tools.done": (
        "You are signed in to {server}. Go back to your chat or program; its tools work now.",
        "{server}にサインインしました。チャットやプログラムに戻ると、ツールを使えます。",
    ),
    "tools.none": (
        "There is no tool server at which one has to sign in.",
        "サインインが必要なツールサーバーはありません。",
    ),
    "tools.server": ("Tool server", "ツールサーバー"),
    "tools.state": ("State", "状態"),
    "tools.signed_in": ("signed in at {issuer}", "{issuer}でサインイン済み"),
    "tools.signed_out": ("not signed in", "未サインイン"),
    "tools.sign_in": ("Sign in", "サインイン"),
    "tools.sign_out": ("Sign out", "サインアウト"),
    "tools.failed": ("You are not signed in", "サインインできませんでした"),
    "tools.nobody": (
        "The admin key is no person: people sign in at tool servers for themselves.",
        "管理キーでは、ツールサーバーにサインインできません。各自でサインインしてください。",
    ),
    "tools.other_person": (
        "This link is for somebody else. If you sign in with it, their tools would work with your rights.",
        "このリンクは別の人のものです。サインインすると、その人のツールがあなたの権限で動くおそれがあります。",
    ),
    "tools.other_person.title": ("This link is not yours", "あなた宛てのリンクではありません"),
    "tools.other_person.how": (
        "Use the link that your own chat or program shows you, or sign out and in again as the right person.",
        "ご自分のチャットやプログラムに表示されたリンクを使うか、正しいユーザーでサインインし直してください。",
    ),
}
