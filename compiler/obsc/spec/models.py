"""`models` and `accelerators`: what is served, and on what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from obsc.spec.base import Block, leaf
from obsc.spec.types import LabelValue, ModelName, Word


class Model(Block):
    """A model that the service serves."""

    later: ClassVar[Mapping[str, str]] = {"adapters": "adapters of a base model", "price": "price of tokens"}

    name: ModelName = leaf("Name of the model.", "llama-3.1-70b-instruct")
    enabled: bool = leaf("Whether the item is there: an environment can switch off what the document has.", False, default=True)
    version: LabelValue | None = leaf("Release of the model's weights: a label of `ai:model:info`.", "2026-05-01", default=None)
    provider: Word | None = leaf("Who runs or made the model, in OpenTelemetry's words (`gen_ai.provider.name`): a label of "
                                 "`ai:model:info` and, where all models share it, a field of log entries.", "openai", default=None)
    served_name: LabelValue | None = leaf("Value of the model label in series; the name unless given.", "llama",
                                          default=None)


class Accelerators(Block):
    """Accelerators of one pod."""

    later: ClassVar[Mapping[str, str]] = {"product": "limits and prices of products"}

    resource: Literal["nvidia.com/gpu", "amd.com/gpu", "habana.ai/gaudi"] = leaf("Extended resource.", "nvidia.com/gpu")
    per_pod: Annotated[int, Field(ge=1, le=64)] = leaf("How many a pod has.", 2, unit="accelerators", default=1)
