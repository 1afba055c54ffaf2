"""Asking a cluster for what `why` and `trace` are made of: objects, and what only our daemons know."""
