"""Vectors of texts: a client of OpenAI's Embeddings, upstreams of Amazon, Cohere, Google and Mistral.

| file | has |
|---|---|
| `asked.py` | a client's request in the canonical form |
| `shape.py` | what an upstream's shape is: a writer of requests, a reader of vectors |
| `amazon.py`, `cohere.py`, `google.py`, `mistral.py` | the shapes |
| `dimensions.py` | how long the vectors of a model may be |
| `crossing.py` | one request on its way, and its vectors on the way back |
"""

from gateway.translation.embeddings.crossing import Embeddings, EmbeddingsCrossing
from gateway.translation.embeddings.shapes import SHAPES

__all__ = ["SHAPES", "Embeddings", "EmbeddingsCrossing"]
