"""Probes: one attempt per kind, thresholds as a pure step, a worker per probe."""
