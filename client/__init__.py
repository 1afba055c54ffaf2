"""Talking to the API: configuration, requests, caches, work queues and the one reconcile loop."""
