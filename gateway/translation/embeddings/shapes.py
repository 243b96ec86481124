"""The shapes in which upstreams are asked for vectors."""

from gateway.translation.embeddings.amazon import NOVA, TITAN
from gateway.translation.embeddings.cohere import COHERE
from gateway.translation.embeddings.google import BATCH, CONTENT, PREDICT
from gateway.translation.embeddings.mistral import MISTRAL
from gateway.translation.embeddings.shape import Shape

SHAPES: tuple[Shape, ...] = (TITAN, NOVA, COHERE, BATCH, PREDICT, CONTENT, MISTRAL)
