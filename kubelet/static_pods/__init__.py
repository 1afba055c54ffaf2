"""Pods that stand in files of the node, and their mirrors in the API."""
