"""Structural schemas: read once (`structural`), then asked what to prune, default and refuse. Pure."""
