"""Words that say little, or say what sort of thing a question is about."""

from plugins.document_search.roots import root


def roots_in(text: str) -> frozenset[str]:
    return frozenset(map(root, text.split()))


LIGHT_ENGLISH = roots_in("""
a an the of for to in on at by with from and or not is are was were be been being do does did has have had can could
will would shall should may might must what when where who whom whose which why how many much long often about it
its that this these those they them their there then he she his her i you we me us my your our please tell show
explain give more same above one ones thing things any some if as into than so also too just only there's get gets
receive received given take taken make made go come need needed use used apply applied hold held contain include
included exist company employee employees staff person people everyone someone each per every current currently
valid normal usually exactly possible kind type called name named amount total rule rules policy document page
according under during does anyone somebody anybody want like know find out say says said did happen happens
happened become became own answer question far old reason way mean means stands stand short step steps procedure
day's up down off over very following entitled able let still yet ever last number high large big much within day
date time between difference compare compared versus vs higher lower larger smaller longer shorter bigger better
worse greater less least most fewer and/or both other others another year month place provide period
""")
KEPT = roots_in("long heavy old last day within number date time year month provide need apply name")
"""Light words that say something where the sentence has them, or one like them."""
LIGHT_JAPANESE = frozenset(
    """
    何 誰 方 事 物 時 件 点 教 知 言 名 人 年 数 場合 内容 方法 説明 質問 意味 理由 概要 詳細 情報 文書 資料 前 後
    他 上 中 社員 会社 当社 弊社 社内 自社 必要 利用 使用 可能 該当 対象 取得 行 受 出 入 使 書 持 合 要 思 決 定
    名前 氏名 期間 日数 金額 回数 時期 時間 期限 場所 番号 名称 程度 違 比較 差 多 少 高 低 長 短 大 小 早 遅 安 良
    正 今 現在 具体的 一番 最 手順 略 目 日 月 週 円 分 秒 回 度 枚 台 個 階 割 以内 以上 以下 未満 時点 分類 種類
    存在 示 定義 規定 記載 実施 名目 呼 称 者 的 用 性 額 率 量 化 等 際 内 間 毎 次 着 払 付 担当 通常 基本 一般
    普通 結局 全部 全体 始 終
    """.split()  # noqa: SIM905
)
TAILS = frozenset("的用性者額数量率日年度時回名分内間目等際先元料費書類所地員部課長室前後中上下")
"""Signs at the end of a compound that need not stand in the text where the rest does."""
SORTS = roots_in(
    "project product device machine model team department unit course programme program app application system"
)
"""Words for the sort of a thing, which a page that is about it need not say."""
MEASURES = {
    root(word): root(like)
    for word, like in (
        pair.split("=")
        for pair in [
            "heavy=weight",
            "heavier=weight",
            "heaviest=weight",
            "far=distance",
            "fast=speed",
            "faster=speed",
            "hot=temperature",
            "tall=height",
            "deep=depth",
            "wide=width",
            "thick=thickness",
            "cheaper=price",
            "cheapest=price",
            "expensive=price",
        ]
    )
}
"""What adjectives ask for."""
TYPED = {
    "e-mail": roots_in("email e-mail mail address mailbox"),
    "phone": roots_in("phone telephone number extension reach call"),
    "colour": roots_in("colour color"),
    "site": roots_in("find located location situated"),
}
"""Words that only say the kind of answer, which is looked for by itself."""
TYPED_JAPANESE = {
    "e-mail": {"メール", "アドレス", "メールアドレス"},
    "phone": {"電話", "番号", "電話番号", "内線", "内線番号"},
    "colour": {"色"},
    "site": {"場所", "所在地", "住所", "位置"},
}
YEARS = {
    "今年度": 0,
    "本年度": 0,
    "今年": 0,
    "本年": 0,
    "来年度": 1,
    "来年": 1,
    "翌年": 1,
    "去年": -1,
    "昨年度": -1,
    "昨年": -1,
    "前年度": -1,
    "再来年": 2,
    "一昨年": -2,
    "this year": 0,
    "this fiscal year": 0,
    "next year": 1,
    "last year": -1,
    "previous year": -1,
    "next fiscal year": 1,
}
"""Years from this one."""
