"""The families of models that fill in the middle: a row a family, with the source of its template.

A row is chosen by the model's `fim:`, else by the name that the upstream knows, once a configuration.
"""

import re

from gateway.profiles.fim_family import UNNAMED, Family, FimSetting

_PIPES = r"<\|[A-Za-z0-9_]{1,40}\|>"
"""Special tokens such as `<|endoftext|>`."""

_ROWS = (
    Family(
        name="qwen",
        prefix="<|fim_prefix|>",
        suffix="<|fim_suffix|>",
        middle="<|fim_middle|>",
        stops=(
            *("<|endoftext|>", "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|fim_pad|>"),
            *("<|repo_name|>", "<|file_sep|>", "<|im_start|>", "<|im_end|>"),
        ),
        special=_PIPES,
        names=r"qwen.*coder",
        before_files="<|repo_name|>repository\n",
        file="<|file_sep|>{path}\n{text}\n",
        current=f"<|file_sep|>{UNNAMED}\n",
        source="github.com/QwenLM/Qwen3-Coder, README: fill in the middle, repository level",
    ),
    Family(
        name="deepseek",
        prefix="<｜fim▁begin｜>",
        suffix="<｜fim▁hole｜>",
        middle="<｜fim▁end｜>",
        stops=("<｜end▁of▁sentence｜>", "<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"),
        special=r"<｜[^｜<>\n]{1,40}｜>|<\|EOT\|>",
        names=r"deepseek[-_.]?coder",
        source="github.com/deepseek-ai/DeepSeek-Coder, README: code insertion, repository level",
    ),
    Family(
        name="starcoder",
        prefix="<fim_prefix>",
        suffix="<fim_suffix>",
        middle="<fim_middle>",
        stops=("<|endoftext|>", "<fim_prefix>", "<fim_suffix>", "<fim_middle>", "<file_sep>"),
        special=r"<(?:fim_(?:prefix|suffix|middle|pad)|file_sep|repo_name|filename|gh_stars|reponame|jupyter_\w{1,20}|"
        r"issue_\w{1,20}|commit_\w{1,20}|empty_output)>|<\|endoftext\|>",
        names=r"star[-_.]?coder",
        file="<file_sep>{path}\n{text}\n",
        current=f"<file_sep>{UNNAMED}\n",
        source="huggingface.co/bigcode/starcoder2-15b; arXiv 2402.19173, section 5.1",
    ),
    Family(
        name="codegemma",
        prefix="<|fim_prefix|>",
        suffix="<|fim_suffix|>",
        middle="<|fim_middle|>",
        stops=("<|file_separator|>", "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"),
        special=_PIPES + r"|</?(?:eos|bos|pad|unk|start_of_turn|end_of_turn)>",
        names=r"code[-_.]?gemma",
        file="{path}\n{text}\n<|file_separator|>",
        source="huggingface.co/google/codegemma-7b, model card: fill in the middle",
    ),
    Family(
        name="codestral",
        prefix="[PREFIX]",
        suffix="[SUFFIX]",
        middle="",
        suffix_first=True,
        stops=("[PREFIX]", "[SUFFIX]"),
        file_stops=("\n+++++ ",),
        special=r"\[(?:/?(?:INST|AVAILABLE_TOOLS|TOOL_RESULTS|SYSTEM_PROMPT)|TOOL_CALLS|PREFIX|MIDDLE|SUFFIX)\]|</?s>",
        names=r"^(?!.*mamba).*codestral",
        file="+++++ {path}\n{text}\n\n",
        current=f"+++++ {UNNAMED}\n",
        files_after_marker=True,
        source="github.com/mistralai/mistral-common, fill-in-the-middle encoding",
    ),
    Family(
        name="codellama",
        prefix="<PRE> ",
        suffix=" <SUF>",
        middle=" <MID>",
        stops=("<EOT>", "<PRE>", "<SUF>", "<MID>"),
        special=r"<(?:PRE|SUF|MID|EOT)>|</?s>|\[/?INST\]",
        names=r"code[-_.]?llama(?!.*(?:34b|70b|python))",
        source="github.com/meta-llama/codellama, infilling; 7B and 13B only",
    ),
    Family(
        name="granite",
        prefix="<|fim_prefix|>",
        suffix="<|fim_suffix|>",
        middle="<|fim_middle|>",
        stops=("<|end_of_text|>", "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|fim_pad|>"),
        special=_PIPES,
        names=r"granite[-_.]?4",
        source="huggingface.co/ibm-granite/granite-4.0-h-small, model card: fill in the middle",
    ),
    Family(
        name="seed",
        prefix="<[fim-prefix]>",
        suffix="<[fim-suffix]>",
        middle="<[fim-middle]>",
        suffix_first=True,
        stops=("<[end▁of▁sentence]>", "<[fim-prefix]>", "<[fim-suffix]>", "<[fim-middle]>"),
        special=r"<\[[^\]<>\n]{1,40}\]>",
        names=r"seed[-_.]?coder",
        file="<filename>{path}\n{text}\n",
        current=f"<filename>{UNNAMED}\n",
        files_after_marker=True,
        source="arXiv 2506.03524 (Seed-Coder), fill in the middle: suffix, prefix, middle",
    ),
    Family(
        name="mellum",
        prefix="<fim_prefix>",
        suffix="<fim_suffix>",
        middle="<fim_middle>",
        suffix_first=True,
        stops=("<|endoftext|>", "<filename>", "<fim_suffix>", "<fim_prefix>", "<fim_middle>"),
        special=r"<(?:fim_(?:prefix|suffix|middle|pad)|filename|reponame|gh_stars)>|<\|[a-z_]{1,40}\|>",
        names=r"mellum",
        file="<filename>{path}\n{text}\n",
        current=f"<filename>{UNNAMED}\n",
        source="huggingface.co/JetBrains/Mellum-4b-base, model card: fill in the middle with additional files",
    ),
    Family(
        name="glm",
        prefix="<|code_prefix|>",
        suffix="<|code_suffix|>",
        middle="<|code_middle|>",
        stops=("<|endoftext|>", "<|code_prefix|>", "<|code_suffix|>", "<|code_middle|>"),
        special=_PIPES + r"|\[g?MASK\]|<sop>",
        names=r"glm-?4",
        source="huggingface.co/zai-org/GLM-4.5, special tokens of its tokenizer",
    ),
)

FAMILIES: dict[str, Family] = {row.name: row for row in _ROWS}


def family_of(setting: FimSetting | None, upstream_model: str) -> Family | None:
    """Return the family that a model's `fim:` names, else the one that the upstream's name of it tells, or None."""
    if setting is not None:
        return FAMILIES.get(setting)
    name = upstream_model.lower()
    return next((row for row in _ROWS if re.search(row.names, name)), None)


def any_special(text: str) -> bool:
    """Return whether a text holds what some family reads as a special token."""
    return _ANY_SPECIAL.search(text) is not None


_ANY_SPECIAL = re.compile("|".join(f"(?:{row.special})" for row in _ROWS))
