"""Words of signing in with the company's provider."""

WORDS: dict[str, tuple[str, str]] = {
    "oidc.title": ("With your company account", "会社のアカウントで"),
    "oidc.button": ("Sign in with {name}", "{name}でサインイン"),
    "oidc.sign_out": ("Sign out at {name}, too", "{name}からもサインアウト"),
    "oidc.off.title": ("Not set up", "設定されていません"),
    "oidc.off": (
        "Signing in with a company account is not set up here (‘console.oidc’ in the configuration).",
        "会社のアカウントでのサインインは設定されていません（設定の console.oidc）。",
    ),
    "oidc.off.how": (
        "The sign-in page shows the other ways.",
        "ほかの方法はサインインのページにあります。",
    ),
    "oidc.unreachable": (
        "{name} does not answer at the moment. Try again in a few minutes, or sign in another way.",
        "{name}が応答していません。数分後にもう一度お試しいただくか、ほかの方法でサインインしてください。",
    ),
    "oidc.setup": (
        "Signing in with {name} is not set up correctly. Please tell your administrator; the gateway's log has the "
        "reason. Other ways stay open.",
        "{name}でのサインインの設定に誤りがあります。管理者にお知らせください（理由はゲートウェイのログにあります）。"
        "ほかの方法は使えます。",
    ),
    "oidc.state": (
        "This sign-in is too old, was used before, or was begun in another browser. Please begin again here.",
        "このサインインは期限切れか使用済み、または別のブラウザで始めたものです。ここからもう一度始めてください。",
    ),
    "oidc.refused": (
        "{name} did not sign you in, or you stopped it. Try again; if it stays, ask your administrator whether you may "
        "use this application.",
        "{name}でのサインインが中断されたか、許可されませんでした。もう一度お試しください。続く場合は、"
        "このアプリの利用が許可されているか管理者にご確認ください。",
    ),
    "oidc.token": (
        "The answer of {name} does not belong to this sign-in, so nobody was signed in. Please begin again; if it "
        "stays, tell your administrator.",
        "{name}の回答がこのサインインのものではないため、サインインしませんでした。もう一度始めてください。"
        "続く場合は管理者にお知らせください。",
    ),
    "oidc.clock": (
        "The answer of {name} is too old or from the future. Please begin again; if it stays, tell your administrator "
        "to check the clock of the gateway.",
        "{name}の回答の時刻が古いか未来になっています。もう一度始めてください。続く場合は、ゲートウェイの時計を"
        "確認するよう管理者にお知らせください。",
    ),
    "oidc.no_mail": (
        "{name} does not confirm an e-mail address of yours, by which you are known here. Confirm it there, or ask "
        "your administrator.",
        "{name}から確認済みのメールアドレスが届きませんでした。{name}側でアドレスを確認するか、管理者にご相談ください。",
    ),
    "oidc.domain": (
        "The e-mail address of this account is not one of this company. Sign in with your company account.",
        "このアカウントのメールアドレスは会社のものではありません。会社のアカウントでサインインしてください。",
    ),
}
