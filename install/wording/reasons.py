"""The Japanese of why the machine refused something, by the name of its error."""

from collections.abc import Mapping

REASONS: Mapping[str, str] = {
    "EACCES": "権限がありません",
    "EPERM": "許可されていません",
    "EROFS": "読み取り専用のディスクです",
    "ENOSPC": "ディスクの空きがありません",
    "EDQUOT": "ディスクの割り当てを使い切りました",
    "EMFILE": "開いているファイルが多すぎます",
    "ENOTDIR": "フォルダーではありません",
    "EEXIST": "すでに存在します",
    "EISDIR": "フォルダーです",
    "ENOENT": "ファイルがありません",
    "ENAMETOOLONG": "名前が長すぎます",
    "ELOOP": "リンクが循環しています",
    "EADDRINUSE": "ほかのプログラムが使用中です",
    "ECONNREFUSED": "接続が拒否されました",
    "ETIMEDOUT": "時間切れです",
    "EHOSTUNREACH": "届かないホストです",
    "ENETUNREACH": "届かないネットワークです",
}

_RIGHTS = "所有者と権限を確認するか、別のユーザーで実行してください。"
_ROOM = "空きを作ってから、もう一度実行してください。"
_FOLDER = "フォルダーが必要な場所にファイルがあります。別のフォルダーを指定してください。"
UNKNOWN_REMEDY = "マシンのディスクとネットワークを確認し、もう一度実行してください。"
REMEDIES: Mapping[str, str] = {
    "EACCES": _RIGHTS,
    "EPERM": _RIGHTS,
    "EROFS": "別のフォルダーを指定してください。",
    "ENOSPC": _ROOM,
    "EDQUOT": _ROOM,
    "EMFILE": "上限を上げてください（`ulimit -n`）。",
    "ENOTDIR": _FOLDER,
    "EEXIST": _FOLDER,
    "EISDIR": "ファイルが必要な場所にフォルダーがあります。別のファイルを指定してください。",
    "ENOENT": "パスを確認してください。",
    "EADDRINUSE": "別のポートを指定してください。",
}
"""What to do about it."""
