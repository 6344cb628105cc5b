"""obsc: a compiler for the observability of AI services."""

__version__ = "0.1.0"
