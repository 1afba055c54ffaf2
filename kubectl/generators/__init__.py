"""Objects made of flags, as `create`, `run` and `expose` make them. Pure; keys in upstream's order."""
