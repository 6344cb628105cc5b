"""The budgets of speed and memory, each a ratio of two things that are measured in one run."""
