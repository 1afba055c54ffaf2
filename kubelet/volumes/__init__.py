"""Volumes: what is in them, where they are, how they change while they are in use."""
