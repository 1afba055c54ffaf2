"""One rule a file. Each is pure: facts in, a Diagnosis or None out."""
