"""The node: what the machine is, its Node object, its status and its lease."""
