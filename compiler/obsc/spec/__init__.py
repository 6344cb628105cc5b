"""The language `obsc.dev/v1alpha1` as pydantic models: strict, frozen, one module per block."""
