"""Admission webhooks: what clusters' users have to say about a write, over HTTPS."""
