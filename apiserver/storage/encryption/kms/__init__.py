"""Keys that a key management service keeps: a plugin beside the apiserver wraps them (KMS v2)."""
