"""What a question is about."""

import re

from plugins.document_search.language import WORD, normalised
from plugins.shared.visible import visible

FUNCTION_WORDS = re.compile(
    r"それ|これ|あれ|どれ|その|この|あの|どの|そこ|ここ|どこ|だれ|なに|なん|なぜ|どう|どんな|いつ|いくつ|いくら|どちら|くらい|ぐらい"
    r"|ください|おしえて|しらべて|さがして|について|とは|です|ます|でした|ました|でしょう|ません|から|まで|より|など|ある|いる|ない"
    r"|する|した|して|され|れる|られ|なる|なっ|なり|いう|いっ|いえ|もの|こと|ところ|ため|ほか|もっと|くわしく|おねがい|よろしく"
    r"|あり|おり|いま|でき|たい|また|よう|のは|には|では|とも|にも|ほど|だけ|という|および|あと|ころ|とき|うち|かた|たち|さん"
)
OF_ITS_OWN = re.compile(r"(?<![\u3041-\u309fー\u3400-\u9fff々])[\u3041-\u309fー]+")  # no ending of a word
PARTICLES = "をはがのにとでもへかやねよ"
GENERIC = frozenset(
    """何 誰 方 事 物 時 件 点 教 知 言 名 人 年 数 場合 内容 方法 説明 質問 意味 理由 概要 詳細 情報 文書 資料
    最初 次 前 後 他 上 下 中 a an the of for to in on at by with from and or not is are was were be been do does did
    has have had can could will would shall should may might must what when where who whom whose which why how many
    much long often about it its that this these those they them their there then he she his her i you we me us my
    your our please tell show explain give more same above one ones thing things any some information detail details
    document documents""".split()  # noqa: SIM905
)

REFERRING = re.compile(
    r"それ|その|これ|この(?!ほか)|あれ|あの|そこ|同じ|さっき|先ほど|上記|では、|じゃあ|ほかに"
    r"|\b(it|its|that|this|these|those|they|them|their|he|she|his|her|there|then|same|above)\b",
    re.IGNORECASE,
)


def named_in(question: str) -> list[str]:
    """Return the words that say what a question is about."""
    whole = normalised(visible(question))
    found = [word for word in WORD.findall(whole) if word not in GENERIC]
    runs = (FUNCTION_WORDS.sub(" ", run).split() for run in OF_ITS_OWN.findall(whole))
    rest = (part.strip(PARTICLES) for parts in runs for part in parts)
    return list(dict.fromkeys([*found, *(part for part in rest if len(part) > 1)]))
