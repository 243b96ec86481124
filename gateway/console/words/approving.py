"""Words of the page on which people let programs have a key."""

WORDS: dict[str, tuple[str, str]] = {
    "approve.title": ("Sign a program in", "プログラムのサインイン"),
    "approve.known": ("{program} asks for a key of yours.", "{program}があなたのキーを求めています。"),
    "approve.unknown": (
        "A program that calls itself “{program}” asks for a key of yours.",
        "「{program}」と名乗るプログラムがあなたのキーを求めています。",
    ),
    "approve.means": (
        "It can then use the models as you, on your budget, until you revoke the key or it ends.",
        "許可すると、キーを失効させるか期限が切れるまで、あなたの予算でモデルを使えるようになります。",
    ),
    "approve.program": ("Program", "プログラム"),
    "approve.address": ("Asks from", "要求元"),
    "approve.when": ("Asked at", "要求した時刻"),
    "approve.for": ("Key for", "キーの持ち主"),
    "approve.code": ("Code", "コード"),
    "approve.same_code": (
        "Say yes only if your program shows this code, and you started it yourself just now.",
        "ご自分で今起動したプログラムに同じコードが表示されている場合だけ、許可してください。",
    ),
    "approve.started": (
        "Say yes only if you started the program yourself just now, on this machine.",
        "ご自分でこの端末で今起動したプログラムの場合だけ、許可してください。",
    ),
    "approve.elsewhere": (
        "It asks from another address than yours ({here}). Where you did not start it on that machine, say no.",
        "要求元はあなたのアドレス（{here}）と異なります。ご自分でその端末で起動したのでなければ、拒否してください。",
    ),
    "approve.yes": ("Allow", "許可する"),
    "approve.no": ("Do not allow", "許可しない"),
    "approve.type": (
        "Type the code that your program shows.",
        "プログラムに表示されているコードを入力してください。",
    ),
    "approve.go_on": ("Continue", "続ける"),
    "approve.wrong": (
        "No program waits with this code. It may have been used, or be older than ten minutes: "
        "look at it again, or start anew in the program.",
        "このコードで待っているプログラムはありません。使用済みか、10分を過ぎた可能性があります。"
        "コードを確かめるか、プログラムでもう一度やり直してください。",
    ),
    "approve.over.title": ("This request is over", "この要求は終わっています"),
    "approve.over": (
        "It was answered before, or is older than ten minutes.",
        "すでに回答済みか、10分を過ぎています。",
    ),
    "approve.over.how": ("Start anew in the program.", "プログラムでもう一度やり直してください。"),
    "approve.nobody": (
        "You are signed in with the admin key, which is nobody's: a key needs an owner. Sign in as yourself.",
        "管理キーでサインインしているため、キーの持ち主がいません。ご本人としてサインインしてください。",
    ),
    "approve.done": (
        "{program} is signed in. Go back to it; this page can be closed.",
        "{program}がサインインしました。プログラムに戻ってください。このページは閉じてかまいません。",
    ),
    "approve.denied": (
        "{program} gets no key. This page can be closed.",
        "{program}にキーを渡しませんでした。このページは閉じてかまいません。",
    ),
}
