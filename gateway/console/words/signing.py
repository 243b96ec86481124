"""Words of the pages on which people sign in and out."""

WORDS: dict[str, tuple[str, str]] = {
    "signin.title": ("Sign in", "サインイン"),
    "signin.open_webui": ("From Open WebUI", "Open WebUIから"),
    "signin.open_webui.how": (
        "In Open WebUI, press “My page” below an answer. It shows a link that signs you in, without a password.",
        "Open WebUIで、回答の下にある「マイページ」を押してください。パスワードなしで入れるリンクが表示されます。",
    ),
    "signin.admin_key": ("With the admin key", "管理キーで"),
    "signin.admin_key.label": ("Admin key", "管理キー"),
    "signin.admin_key.button": ("Sign in", "サインイン"),
    "signin.admin_key.wrong": (
        "This is not the admin key (‘admin_key’ in the configuration).",
        "管理キー（設定の admin_key）と一致しません。",
    ),
    "signin.too_many": (
        "Too many attempts. Please wait a minute.",
        "試行回数が多すぎます。1分ほどお待ちください。",
    ),
    "signin.no_way": (
        "No way to sign in is configured: an administrator sets ‘console.oidc’, ‘open_webui.identity_secret’ or "
        "‘admin_key’.",
        "サインインの方法が設定されていません。管理者が console.oidc、open_webui.identity_secret、admin_key の"
        "いずれかを設定します。",
    ),
    "enter.title": ("Sign in with a link", "リンクでサインイン"),
    "enter.who": ("This link signs you in as {name}.", "このリンクで{name}としてサインインします。"),
    "enter.other": (
        "You are signed in as {name} now; that session ends.",
        "現在は{name}でサインイン中です。そのセッションは終了します。",
    ),
    "enter.button": ("Sign in as {name}", "{name}としてサインイン"),
    "enter.over.title": ("This link is no longer valid", "このリンクは使えません"),
    "enter.over": (
        "It was used before, is older than a minute, or is not of this gateway.",
        "使用済みか、発行から1分を過ぎたか、このゲートウェイのリンクではありません。",
    ),
    "enter.over.how": (
        "Get a new one: in Open WebUI, press “My page” below an answer, and open the link within a minute.",
        "新しいリンクを取得してください。Open WebUIで回答の下の「マイページ」を押し、1分以内に開きます。",
    ),
    "signout.done": ("You are signed out.", "サインアウトしました。"),
    "signout.everywhere": ("You are signed out everywhere.", "すべての端末からサインアウトしました。"),
}
