"""Images for clients of OpenAI's Images, made by Gemini or by Stability's models on Bedrock.

| file | has |
|---|---|
| `asked.py` | a client's request in the canonical form |
| `shape.py` | what an upstream's shape is: a writer of requests, a reader of images |
| `gemini.py`, `stability.py` | the shapes; `services.py` has what each of Stability's models takes |
| `sizes.py` | sizes in pixels as the ratios and resolutions that models take |
| `crossing.py` | one request on its way, and its images on the way back |
"""

from gateway.translation.images.crossing import Images
from gateway.translation.images.gemini import GEMINI
from gateway.translation.images.stability import STABILITY

__all__ = ["GEMINI", "STABILITY", "Images"]
