"""The scheduler: finds a node for every pod that has none, and binds it there."""
