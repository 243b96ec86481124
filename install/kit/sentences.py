"""What a finding says: for each rule and language, the problem and the remedy. The braces come from the rule."""

from collections.abc import Mapping

Said = tuple[str, str]

SENTENCES: Mapping[str, Mapping[str, Said]] = {
    "syntax": {
        "en": ("This is not Python: {why}.", "Mend the line."),
        "ja": ("Pythonとして読めません: {why}。", "この行を直してください。"),
    },
    "plugin-class": {
        "en": (
            "The file has {found} where Open WebUI looks for one class named Pipe, Filter, Action, Event or Tools.",
            "Keep exactly one of them in a file.",
        ),
        "ja": (
            "Open WebUIはPipe、Filter、Action、Event、Toolsのうち1つを探しますが、ファイルには{found}があります。",
            "1つのファイルに1つだけ置いてください。",
        ),
    },
    "frontmatter-start": {
        "en": (
            "The first line is not exactly three double quotes, so Open WebUI reads no frontmatter.",
            'Begin the file with """ on a line of its own, then one `key: value` a line.',
        ),
        "ja": (
            '1行目が"""だけになっていないため、Open WebUIはフロントマターを読みません。',
            '先頭の行を"""だけにして、次の行から「key: value」を1行に1つずつ書いてください。',
        ),
    },
    "frontmatter-keys": {
        "en": ("The frontmatter lacks {keys}.", "Add a line for each."),
        "ja": ("フロントマターに{keys}がありません。", "それぞれ1行ずつ追加してください。"),
    },
    "frontmatter-line": {
        "en": (
            "Open WebUI does not read this line of the frontmatter: a key has letters and _ only, a value one line.",
            "Write it as `key: value` on one line, or move it below the docstring.",
        ),
        "ja": (
            "フロントマターのこの行は読まれません。キーに使えるのは英字と_だけで、値は1行です。",
            "「key: value」の形で1行に書くか、docstringの外に移してください。",
        ),
    },
    "frontmatter-version": {
        "en": ("The version {version} does not have three numbers.", "Write for example 0.1.0."),
        "ja": ("バージョン{version}が3つの数字になっていません。", "例えば0.1.0と書いてください。"),
    },
    "frontmatter-id": {
        "en": (
            "The id {id} and the file name {file} differ, or are not lower-case letters, digits and _.",
            "The file's name without .py is the id: give both the same name.",
        ),
        "ja": (
            "id「{id}」とファイル名「{file}」が一致しないか、英小文字・数字・_以外を含んでいます。",
            "ファイル名（.pyを除く）がidになります。同じ名前にしてください。",
        ),
    },
    "requirements": {
        "en": (
            "`requirements:` makes Open WebUI run pip; offline it does not, and the import switches the plugin off.",
            "Use the standard library and what Open WebUI installs, and delete the line.",
        ),
        "ja": (
            "「requirements:」があるとpipが実行されます。オフラインでは実行されず、importの失敗で無効になります。",
            "標準ライブラリとOpen WebUIに含まれるものだけを使い、この行を削除してください。",
        ),
    },
    "rewritten-text": {
        "en": (
            "Open WebUI replaces the words `{text}` wherever they stand, in sentences too.",
            "Use other words, or `import {module}` for a module.",
        ),
        "ja": (
            "Open WebUIは「{text}」という文字列を、文章の中でも書き換えます。",
            "別の言い方にするか、モジュールの場合は「import {module}」と書いてください。",
        ),
    },
    "future-import": {
        "en": (
            "`from __future__ import annotations` turns the types of valves into texts that cannot be looked up.",
            "Delete the line; Python 3.11 needs it nowhere here.",
        ),
        "ja": (
            "「from __future__ import annotations」があると、バルブの型が文字列になり解決できません。",
            "この行を削除してください。Python 3.11では不要です。",
        ),
    },
    "foreign-import": {
        "en": (
            "Open WebUI {version} does not install {module}; the import would switch the plugin off.",
            "Use what it installs, or guard the import with `except ImportError`.",
        ),
        "ja": (
            "{module}はOpen WebUI {version}に含まれていません。importに失敗するとプラグインが無効になります。",
            "含まれているものを使うか、「except ImportError」で囲んでください。",
        ),
    },
    "type-by-import": {
        "en": (
            "The imported name {name} can make Open WebUI take the file for another kind of plugin.",
            "Import the module and write `module.{name}`, or give the name another with `as`.",
        ),
        "ja": (
            "importした名前{name}のせいで、別の種類のプラグインとして扱われることがあります。",
            "モジュールをimportして「module.{name}」と書くか、asで別名にしてください。",
        ),
    },
    "print-call": {
        "en": (
            "print() writes what users say into the server's log.",
            "Use `logging.getLogger(__name__)`, and log no texts of users.",
        ),
        "ja": (
            "print()は利用者の発言をサーバーのログに書いてしまいます。",
            "「logging.getLogger(__name__)」を使い、利用者の文章は記録しないでください。",
        ),
    },
    "hook-missing": {
        "en": ("{cls} has none of the methods that Open WebUI calls: {hooks}.", "Add one of them."),
        "ja": ("{cls}に、Open WebUIが呼び出すメソッド（{hooks}）がありません。", "いずれかを追加してください。"),
    },
    "hook-sync": {
        "en": (
            "{hook} is not async, so it stops the whole server while it runs.",
            "Write `async def {hook}`; run slow work with `await asyncio.to_thread(…)`.",
        ),
        "ja": (
            "{hook}が非同期ではないため、実行中はサーバー全体が止まります。",
            "「async def {hook}」とし、時間のかかる処理は「await asyncio.to_thread(…)」で実行してください。",
        ),
    },
    "hook-first-argument": {
        "en": (
            "Open WebUI passes the first argument of {hook} by the name `{first}`.",
            "Name the first parameter after self `{first}`.",
        ),
        "ja": (
            "Open WebUIは{hook}の最初の引数を「{first}」という名前で渡します。",
            "selfの次の引数を「{first}」という名前にしてください。",
        ),
    },
    "hook-argument": {
        "en": (
            "{hook} asks for {argument}, which Open WebUI does not give it.",
            "It may have: {given}.",
        ),
        "ja": (
            "{hook}は{argument}を求めていますが、Open WebUIは渡しません。",
            "使えるのは次のものです: {given}。",
        ),
    },
    "hook-rest": {
        "en": ("**{name} of {hook} receives nothing.", "Name the parameters that you need."),
        "ja": ("{hook}の**{name}には何も渡されません。", "必要な引数を名前で書いてください。"),
    },
    "hook-returns-nothing": {
        "en": (
            "{hook} can end without returning `{first}`; Open WebUI goes on with None.",
            "End every way through it with `return {first}`.",
        ),
        "ja": (
            "{hook}が「{first}」を返さずに終わることがあり、Open WebUIはNoneのまま処理を続けます。",
            "どの経路でも「return {first}」で終わるようにしてください。",
        ),
    },
    "state-on-self": {
        "en": (
            "{method} keeps self.{name}: one instance serves all users at once.",
            "Use a local variable, or pass the value on.",
        ),
        "ja": (
            "{method}がself.{name}に値を保存しています。1つのインスタンスが全利用者に同時に使われます。",
            "ローカル変数を使うか、引数で渡してください。",
        ),
    },
    "valves-read-twice": {
        "en": (
            "{hook} reads self.valves more than once; they can change while it waits.",
            "Write `valves = self.valves` once, at the beginning.",
        ),
        "ja": (
            "{hook}がself.valvesを2回以上読んでいます。待っている間に変わることがあります。",
            "最初に一度だけ「valves = self.valves」と書いてください。",
        ),
    },
    "valves-not-set": {
        "en": (
            "Nothing sets self.valves, so stored settings never reach the plugin.",
            "Write `def __init__(self) -> None: self.valves = self.Valves()`.",
        ),
        "ja": (
            "self.valvesが設定されていないため、保存した設定がプラグインに届きません。",
            "「def __init__(self) -> None: self.valves = self.Valves()」を書いてください。",
        ),
    },
    "valve-default": {
        "en": ("The valve {name} has no default, so the plugin cannot load before it is set.", "Give it a default."),
        "ja": ("バルブ{name}に初期値がないため、設定するまで読み込めません。", "初期値を付けてください。"),
    },
    "valve-lost": {
        "en": (
            "The valve {name} is gone{maybe}: what administrators stored for it would be lost.",
            "Keep the name, or say that it is meant with `--ignore valve-lost`.",
        ),
        "ja": (
            "バルブ{name}がなくなりました{maybe}。管理者が保存した値が失われます。",
            "名前を残すか、意図した変更であれば「--ignore valve-lost」を付けてください。",
        ),
    },
    "valve-type": {
        "en": (
            "The valve {name} was {before} and is {after}: Open WebUI refuses code that a stored value does not fit.",
            "Keep the type, or give the new setting a name of its own.",
        ),
        "ja": (
            "バルブ{name}の型が{before}から{after}に変わりました。保存済みの値が合わないと更新が拒否されます。",
            "型を残すか、新しい名前の設定にしてください。",
        ),
    },
    "task-ignored": {
        "en": (
            "The pipe does not look at __task__: titles, tags and follow-up questions would run the whole agent.",
            "Take `__task__: str | None = None` and answer a task without the agent.",
        ),
        "ja": (
            "__task__を確認していません。タイトルやタグの生成でもエージェント全体が動きます。",
            "「__task__: str | None = None」を受け取り、タスクにはエージェントを使わずに答えてください。",
        ),
    },
    "not-awaited": {
        "en": (
            "{name} is async, but nothing awaits it here: it does not run, or the value is a coroutine.",
            "Write `await {name}(…)`.",
        ),
        "ja": (
            "{name}は非同期ですが、ここではawaitされていません。実行されないか、値がコルーチンになります。",
            "「await {name}(…)」と書いてください。",
        ),
    },
    "blocking-call": {
        "en": (
            "{name} waits without letting other people's requests run.",
            "Use {instead}.",
        ),
        "ja": (
            "{name}は、待っている間ほかの利用者の処理を止めます。",
            "{instead}を使ってください。",
        ),
    },
    "language-missing": {
        "en": (
            "{table} is not in {wanted}.",
            "Write a literal dict with these languages as its keys.",
        ),
        "ja": (
            "{table}に{wanted}がそろっていません。",
            "これらの言語をキーとする辞書を、リテラルで書いてください。",
        ),
    },
    "text-missing": {
        "en": ("{table} has no text {key} in {language}.", "Add it."),
        "ja": ("{table}の{language}に「{key}」がありません。", "追加してください。"),
    },
    "text-placeholders": {
        "en": (
            "The texts {key} of {table} do not have the same placeholders in all languages.",
            "Put the same {{names}} into each.",
        ),
        "ja": (
            "{table}の「{key}」の差し込み項目が言語によって異なります。",
            "すべての言語で同じ{{名前}}を使ってください。",
        ),
    },
    "text-language": {
        "en": (
            "The text {key} of {table} is not in {language}.",
            "Translate it.",
        ),
        "ja": (
            "{table}の「{key}」が{language}で書かれていません。",
            "翻訳してください。",
        ),
    },
    "text-in-code": {
        "en": (
            "A person reads this sentence, and it is in one language only.",
            "Move it into TEXT, and choose by the user's language.",
        ),
        "ja": (
            "利用者が読む文が1つの言語でしか書かれていません。",
            "TEXTに移し、利用者の言語で選んでください。",
        ),
    },
    "status-done": {
        "en": (
            "This status does not say whether it is done; Open WebUI asks for that.",
            'Add "done": False while it goes on, "done": True at the end.',
        ),
        "ja": (
            "このステータスには完了かどうか（done）がありません。Open WebUIが必要とします。",
            '途中なら"done": False、最後なら"done": Trueを付けてください。',
        ),
    },
    "status-left-open": {
        "en": (
            "{function} opens a status and does not end it in a `finally`: after an error or a stop it spins for ever.",
            "Tell a status with done=True in a `finally`.",
        ),
        "ja": (
            "{function}が開いたステータスを「finally」で終えていません。エラーや停止の後も回り続けます。",
            "「finally」の中でdone=Trueのステータスを送ってください。",
        ),
    },
    "tool-helper": {
        "en": (
            "{method} is called by another method, but as a public method it becomes a tool of the model's.",
            "Rename it to _{method}, or make it a function of the module.",
        ),
        "ja": (
            "{method}は他のメソッドから呼ばれていますが、公開メソッドなのでモデルのツールになってしまいます。",
            "名前を_{method}にするか、モジュールの関数にしてください。",
        ),
    },
    "tool-undescribed": {
        "en": (
            "The tool {method} has no docstring, so the model cannot know when to use it.",
            "Say in the docstring what it does, with a `:param name:` for each parameter.",
        ),
        "ja": (
            "ツール{method}にdocstringがないため、モデルが使いどころを判断できません。",
            "何をするかと、各引数の「:param 名前:」をdocstringに書いてください。",
        ),
    },
    "tool-untyped": {
        "en": (
            "The parameter {argument} of the tool {method} has no type; the model is not told what to put there.",
            "Annotate it.",
        ),
        "ja": (
            "ツール{method}の引数{argument}に型がなく、モデルに何を渡すか伝わりません。",
            "型注釈を付けてください。",
        ),
    },
}
