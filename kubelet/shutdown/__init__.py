"""Graceful node shutdown: the machine waits until the pods have been told to stop, the critical ones last."""
