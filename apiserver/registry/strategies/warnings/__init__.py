"""What objects are warned of though they are valid: one module a noun, used by the strategies."""
