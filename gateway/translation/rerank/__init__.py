"""Orders of documents: a client of Cohere's or Jina's Rerank, upstreams of Cohere and Amazon.

| file | has |
|---|---|
| `asked.py` | a client's request in the canonical form |
| `shapes.py` | what an upstream's shape is, and the shapes |
| `crossing.py` | one request on its way, and its order on the way back |
"""

from gateway.translation.rerank.crossing import RerankCrossing, Reranks
from gateway.translation.rerank.shapes import SHAPES

__all__ = ["SHAPES", "RerankCrossing", "Reranks"]
