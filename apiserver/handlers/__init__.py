"""HTTP to the registry and back: one file a verb, and what the verbs share (bodies, negotiation, answers)."""
