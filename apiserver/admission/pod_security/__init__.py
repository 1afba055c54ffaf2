"""Pod Security Standards: what pods of a namespace may ask for, by level and version of the standard."""
