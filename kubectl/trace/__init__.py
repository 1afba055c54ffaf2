"""`trace`: one apply followed through every daemon, as a tree of causes with milliseconds."""
