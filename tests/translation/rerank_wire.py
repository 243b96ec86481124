"""Rerank, read by judges that know nothing of the translation: botocore's service model and Cohere's SDK."""

import re
from functools import cache
from typing import Any, get_type_hints

from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator
from cohere.v2.client import V2Client
from cohere.v2.types import V2RerankResponse
from pydantic import TypeAdapter

from tests.translation.converse_wire import _check_values

Fields = dict[str, Any]

ANSWER = TypeAdapter(V2RerankResponse)


@cache
def service() -> ServiceModel:
    return ServiceModel(Loader().load_service_model("bedrock-agent-runtime", "service-2"))


def check_bedrock(fields: Fields) -> None:
    """Raise `AssertionError` for a request that the agents' runtime does not know or allow."""
    shape = service().operation_model("Rerank").input_shape
    problems = ParamValidator().validate(fields, shape)
    assert not problems.has_errors(), problems.generate_report()
    _check_values(shape, fields, "")
    ranking = fields["rerankingConfiguration"]["bedrockRerankingConfiguration"]
    pattern = shape.members["rerankingConfiguration"].members["bedrockRerankingConfiguration"].members["modelConfiguration"].members["modelArn"].metadata["pattern"]  # fmt: skip  # noqa: E501
    assert re.fullmatch(pattern, ranking["modelConfiguration"]["modelArn"])
    texts = [each["inlineDocumentSource"]["textDocument"]["text"] for each in fields["sources"]]
    texts.append(fields["queries"][0]["textQuery"]["text"])
    assert len(fields["queries"]) == 1
    assert 1 <= len(fields["sources"]) <= 1000
    assert all(1 <= len(text) <= 32_000 for text in texts)
    assert ranking["numberOfResults"] <= len(fields["sources"])


def check_invoked(model: str, fields: Fields) -> None:
    """Raise `AssertionError` for a body of InvokeModel that is not that of the model's vendor."""
    assert fields.keys() == {"query", "documents", "top_n"} | ({"api_version"} if "cohere" in model else set())
    assert fields.get("api_version", 2) == 2
    assert all(isinstance(each, str) and each for each in fields["documents"])
    assert 1 <= fields["top_n"] <= len(fields["documents"]) <= 1000


def check_cohere(fields: Fields) -> None:
    """Raise for a request that the official SDK could not have sent."""
    hints = get_type_hints(V2Client.rerank, include_extras=True)
    assert {"model", "query", "documents"} <= fields.keys() <= hints.keys()
    for name, value in fields.items():
        TypeAdapter(hints[name]).validate_python(value, strict=True)
