"""SPDY/3.1: many streams over one connection, as exec, attach and port-forward have it (moby/spdystream)."""
