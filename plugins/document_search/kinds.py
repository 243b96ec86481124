"""Kinds of answers: what a question asks for, and whether a sentence holds it."""

import re
from collections.abc import Callable

from plugins.document_search.language import in_cjk
from plugins.document_search.roots import figured

AUXILIARY = (
    "is|are|was|were|do|does|did|can|could|may|might|must|should|shall|will|would|has|have|had|am|isn't|"
    "aren't|don't|doesn't"
)
COUNTERS = (
    "[かヶカケ箇](?:月|所|国)|日|時間|分|秒|名|人|件|回|度|文字|字|年|週|枚|台|個|階|割|歳|才|本|点|部|"
    "通|社|メートル|キロ|グラム|リットル|ページ|頁|%|％|"
    "パーセント|番|号|倍|種類|つ|段|畳|席|室|棟|冊|丁|行|ポイント|ミリ|センチ|トン|平方|立方|両|匹|頭|羽|"
    "杯|泊|着|世帯|票|戸|語|カ国|km|kg|cm|mm"
)
COMPARATIVES = (
    "more|less|fewer|higher|lower|longer|shorter|cheaper|heavier|lighter|bigger|larger|smaller|better|"
    "worse|faster|slower|earlier|later|older|newer|"
    "greater|wider|deeper|stronger|taller|warmer|colder|younger|closer|nearer|further|costlier"
)
ENGLISH_KINDS: tuple[tuple[str, str], ...] = (
    (
        "comparison",
        rf"\bdifferences?\b|\bcompar|\bversus\b|\bvs\b|\b(?:{COMPARATIVES})\b[^?]*\bor\b|"
        rf"\bor\b[^?]*\b(?:{COMPARATIVES})\W*$|\b(?:which|who)\b[^?]*, [^?]*\bor\b",
    ),
    ("meaning", r"\bstands? for\b|\bmean(s|ing)?\b|\babbreviat|\bshort for\b|\bdefinition of\b"),
    ("count", r"\bhow many\b|\bwhat percent|\bwhat number\b"),
    ("period", r"\bhow long\b|\bhow often\b|\bhow old\b|\bwhat period\b"),
    ("number", r"\bhow (much|far|heavy|high|large|big|tall|deep|fast|wide|hot|cold|thick)\b"),
    ("colour", r"\b(?:what|which) colou?r"),
    ("e-mail", r"\be-?mail address|\b(?:which|what) mailbox|\be-?mail\b.*\bof\b"),
    ("phone", r"\b(?:tele)?phone number|\bby phone\b|\bextension\b.*\bof\b|\b(?:which|what) (?:number|extension)\b"),
    ("person", r"\bwho(m|se)?\b"),
    ("purpose", r"\bwhat (?:is|are|was|were)\b.*\bfor\W*$|\bpurpose of\b"),
    ("site", r"\bwhere (?:is|are|can i find|do i find)\b(?!.*\b\w+(?:ed|en|pt)\b)"),
    ("room", r"\b(?:what|which) (?:room|building|floor|hall)\b"),
    ("place", r"\bwhere\b|\b(what|which) (city|country|town|place|address)\b"),
    ("date", r"\bwhen\b|\b(what|which) (time|date|day|month|year|week|weekday|century|decade)|\bdeadline\b"),
    ("reason", r"\bwhy\b"),
    ("procedure", r"\bhow (do|does|can|should|must|to)\b|\bsteps?\b|\bprocedure\b|\bprocess for\b"),
    ("which", r"\bwhat\b|\bwhich\b|\bhow\b"),
    ("yes or no", rf"^\W*(?:and |so |but )?(?:{AUXILIARY})\b"),
)
JAPANESE_KINDS: tuple[tuple[str, str], ...] = (
    ("comparison", r"どちら|どっち|違い|比較|比べ|の差"),
    ("meaning", r"何の略|略称|意味|とは(何|なに|どう|$|[?？。])|とは$"),
    ("colour", r"何色|どんな色|の色は"),
    ("e-mail", r"メールアドレス"),
    ("phone", r"電話番号|内線番号|内線は|何番に(?:電話|かけ)"),
    (
        "site",
        r"どこに(?:あり|ある|位置|所在)|(?:場所|所在地|住所)は(?:どこ|[?？。]?$)|(?:場所|所在地|住所)を(?:教え|知)",
    ),
    ("person", r"誰|だれ|どなた|何者"),
    ("place", r"どこ|どちらに|場所は|住所"),
    (
        "date",
        r"いつ|何時(?!間)|何曜|何月|何年(?!間)|(?<![週年月])何日(に|から|まで|です|目|頃|ごろ|[?？。]?$)|"
        r"何世紀|日付は|期限は|締め?切り?は",
    ),
    ("money", r"いくら|何円|何ドル|何ユーロ|何万|何億"),
    ("count", rf"何(?:{COUNTERS})"),
    ("period", r"どのくらい|どれくらい|どれぐらい|どのぐらい|どれだけ|いくつ|何か月|何ヶ月"),
    ("reason", r"なぜ|どうして|なんで|理由"),
    ("procedure", r"どうやって|どのように|どうすれば|どうしたら|手順|手続き|方法|やり方"),
    ("which", r"何|なに|なん|どの|どんな|どれ|どう|教え|[はを][?？]?$"),
    ("yes or no", r"(ます|です|ません|でしょう|ました|よい|いい|可能|必要|ある|ない|る|た)か(?:ね|な)?[。?？]?\s*$"),
)
MONEY_ASKED = re.compile(
    r"\b(price|cost|costs|fee|fees|charge|fare|budget|salary)\b|料金|価格|値段|費用|代金|受講料|予算|賃料|単価",
    re.IGNORECASE,
)
MONTHS = (
    "january|february|march|april|may|june|july|august|september|october|november|december|jan|feb|mar|"
    "apr|jun|jul|aug|sept?|oct|nov|dec"
)
CURRENCIES = (
    r"[$€£¥₩₹]|\b(?:eur|usd|gbp|jpy|chf|nok|sek|dkk|pln|cad|aud|sgd|inr|brl|cny|krw|euros?|dollars?|"
    r"pounds?|yen|cents?|francs?|rupees?)\b|円|ドル|ユーロ|ポンド|元\b"
)
FREE = (
    r"\bfree\b|\bno (?:charge|cost|fee)|\bnone\b|\bnothing\b|\bpaid by\b|無料|無償|ただ|なし|"
    r"会社(?:が)?負担|不要|かからない"
)
DATES = (
    rf"\b(?:{MONTHS})\b|\b\d{{1,2}}[:.]\d\d\b|\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b|\b(?:1[5-9]|"
    rf"20)\d\d s?\b|\b\d{{3,4}}s?\b"
    r"|\b\d{1,2}(?:st|nd|rd|th)\b|\bcentur|\b(?:after|before|within|by|until|from|during|since|once|at|"
    r"every|each|daily|weekly|monthly|yearly|annually"
    r"|quarterly|twice|immediately|always|never|only|as soon as|o'clock|today|tomorrow|noon|midnight|"
    r"appointment|day|days|week|weeks|month|months|hours?|years?|ad|bc|spring|summer|autumn|winter)\b"
    r"|\d+[年月日時分週秒]|[月火水木金土日]曜|毎[日週月年朝晩]|日[にまはと、。：:]|翌|当日|前日|即日|随時|"
    r"直ちに|速やか|世紀|時代|年間|以内|まで|ごと|とき|時に|後に|後、|前に|\d+(?:か|ヶ|カ|箇)月|予約制|"
    r"年末|年始|期末|月末|春|夏|秋|冬|末|頃|初"
)
PERIODS = (
    r"\d|\b(?:daily|weekly|monthly|yearly|annually|quarterly|every|until|unlimited|always|permanent|half|"
    r"hour|day|week|month|year|decade|centur\w+|a|an|long|none|no)\b|毎|無期限|無制限|半|ごと|まで|数|"
    r"なし|永"
)
ROLES = (
    r"\b(?:manager|head|director|officer|team|department|lead|leader|supervisor|board|council|staff|"
    r"employee|employees|committee|desk|"
    r"representative|engineer|assistant|secretary|president|ceo|cfo|cto|administrators?|users?|operators?|"
    r"doctor|trainer|office|owner|members?|people|anyone|everyone|"
    r"nobody|company|legal|procurement|facilities|payroll|customers?|visitors?|[a-z]+(?:ers|ors|ists|ians|ants|ents))\b"
)
LABEL = re.compile(r"^[^:：。.]{1,40}[:：]\s*\S")
COLOURS = (
    r"\b(?:red|blue|green|yellow|black|white|grey|gray|orange|purple|violet|pink|brown|gold|golden|silver|"
    r"beige|turquoise)\b"
    "|赤|青|緑|黄|黒|白|灰|橙|紫|桃|茶色|金色|銀|オレンジ|ピンク|グレー|グリーン|ブルー|レッド|イエロー"
)
SITES = (
    r"\b(?:room|floor|building|hall|block|wing|basement|level|house|gate)\s+\w{0,3}\d|\b\d+(?:st|nd|rd|"
    r"th) floor\b|\b(?:first|second|third|ground|top) floor\b"
    r"|\b(?:located|situated|find us|found (?:in|on|at)|lies|address|location|street|road|avenue|(?:room|"
    r"hall|building) [a-z]\b)"
    r"|\d階|\d号?室|[a-z]棟|場所[はが:：]|所在地|住所|に位置|番地|丁目|にある|隣|向かい"
)
PLACES = (
    r"\b(?:in|at|on|to|behind|near|next|under|above|from|inside|outside|through|via|between|opposite|"
    r"around|within|across|along|of)\b|@|\b(?:room|floor|"
    r"building|hall|lot|gate|street|garage|yard|none)\b"
)
PHRASE = re.compile(rf"(?:{PLACES})((?:\s(?:the|an?|our|your))*(\s[\w'-]+))", re.IGNORECASE)
ROOMS = r"\b(?:room|floor|building|hall|block|wing|house|office|basement|lobby|theatre|theater|desk)\b|\d"


def asked_kind(question: str) -> str:
    """Return what a question asks for; an empty text where it does not say."""
    asked = question.strip().lower()
    if re.search(r"\bhow much\b.*\b(?:pay|paid|charged|spend|cost)\b", asked):
        return "money"
    for kind, pattern in JAPANESE_KINDS if in_cjk(asked) else ENGLISH_KINDS:
        if re.search(pattern, asked):
            money = kind in ("which", "number", "period") and MONEY_ASKED.search(asked)
            return "money" if money else kind
    return ""


def counted(question: str) -> str:
    """Return the unit that a Japanese question counts in: 何日 asks for days."""
    found = re.search(rf"何({COUNTERS})", question)
    return found.group(1) if found else ""


CODE = re.compile(r"(?<![a-z0-9])[a-z]+-?\d[a-z0-9-]*|第\d+[条項章号版回]", re.ASCII)
UNITS = {
    "番": "",
    "号": "",
    "つ": "",
    "名": "[名人]",
    "人": "[人名]",
    "回": "[回度]",
    "度": "[回度]",
    "キロ": "(?:kg|キロ|km)",
    "割": "[割%]",
    "%": "[%割]",
    "％": "[%割]",
}


def unit_pattern(unit: str) -> str:
    if unit.endswith("月") and len(unit) == 2:
        return r"\d+(?:か|ヶ|カ|ケ|箇)?月"
    if unit == "日":
        return r"\d+(?:暦|営業|稼働|労働)?日(?!\d)"
    return rf"\d+\s*(?:万|億|千|百)*\s*{UNITS.get(unit, re.escape(unit))}"


def without_asked(text: str, question: str) -> str:
    """Return the text in figures, without the numbers of the question and without those in codes."""
    known = set(re.findall(r"\d+(?:\.\d+)?", figured(question)))
    bare = without_codes(text)
    return re.sub(r"\d+(?:\.\d+)?", lambda match: "" if match.group() in known else match.group(), bare)


def has_money(text: str) -> bool:
    return (
        bool(re.search(CURRENCIES, text) and re.search(r"\d", text))
        or bool(re.search(FREE, text))
        or bool(re.search(r"\d+\s*(?:%|percent|パーセント|割)", text))
    )


def has_name(text: str, question: str) -> bool:
    """Return whether an English sentence names somebody, or a role, that the question does not."""
    asked = set(re.findall(r"\w+", question.lower()))
    names = re.findall(r"(?<=[\w,:|] )[A-Z][\w.'’-]+|(?<=: )\w+|^[A-Z]\w+(?= [A-Z])", text)
    return any(name.lower() not in asked for name in names) or any(
        role not in asked for role in re.findall(ROLES, text.lower())
    )


def told_anew(text: str, question: str) -> str:
    """Return the text without times of day, and without "in Oslo" where the question itself says so."""
    known = set(re.findall(r"[\w'-]+", question.lower()))
    text = re.sub(
        r"\b(?:at|on|to|from|around|within)\s(?=\d{1,2}[:.]\d|\d+ (?:am|pm|days?|weeks?|hours?|minutes?))", " ", text
    )
    return PHRASE.sub(lambda match: "" if known.issuperset(match.group(2).split()) else match.group(), text)


def holds_kind(kind: str, statement: str, question: str) -> bool:
    """Return whether a sentence holds what a question asks for."""
    rest, japanese = without_asked(statement, question), in_cjk(statement)
    if kind == "count" and in_cjk(question):
        unit = counted(question)
        return (
            bool(re.search(unit_pattern(unit), without_codes(statement)) if unit else re.search(r"\d", rest))
            or "無制限" in rest
        )
    if kind in ("place", "room", "person") and LABEL.match(statement):
        return True
    checks: dict[str, Callable[[], bool]] = {
        "money": lambda: has_money(rest),
        "number": lambda: (
            bool(re.search(r"\d", rest)) or bool(re.search(FREE, rest)) or "unlimited" in rest or "数" in rest
        ),
        "count": lambda: bool(
            re.search(
                r"\d|\bno\b|\bnone\b|\ban?\b|\bsingle\b|\bhalf\b|\ball\b|\bboth\b|\bunlimited\b|\bseveral\b|"
                r"\bhundreds|\bthousands|\bmillions?",
                rest,
            )
        ),
        "period": lambda: bool(re.search(PERIODS if not japanese else r"\d|無期限|無制限|半|ごと|まで|数|毎", rest)),
        "colour": lambda: bool(re.search(COLOURS, rest)),
        "e-mail": lambda: "@" in statement,
        "phone": lambda: bool(
            re.search(r"\d[\d\s()/+-]{4,}\d|内線\D{0,4}\d{2,}|\bext\D{0,8}\d{2,}|\b\d{3,5}\b", figured(statement))
        ),
        "site": lambda: bool(re.search(SITES, figured(statement))),
        "value": lambda: bool(re.search(r"\d", rest) or re.search(FREE, rest)),
        "date": lambda: bool(re.search(DATES, rest)),
        "person": lambda: japanese or has_name(statement, question),
        "room": lambda: bool(re.search(ROOMS, rest)),
        "place": lambda: (
            japanese or bool(re.search(PLACES, told_anew(rest, question))) or has_name(statement, question)
        ),
    }
    return checks.get(kind, lambda: True)()


def without_codes(text: str) -> str:
    return CODE.sub(" ", figured(text))
