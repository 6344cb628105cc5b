"""A simulator of programs that serve models: what their metrics pages say under a load, and when something is wrong.

An oracle, independent of what is proved on it: it knows the catalog's metrics (names, types, labels, bounds, releases) and
nothing of signals, objectives, rules or targets. `Plant` steps a `Scenario` and gives pages, `series` what Prometheus would
record of them.
"""
