"""Requests that are no plain reads and writes of objects: logs and streams of kubelets, tokens, reviews."""
