"""The scheduler's plugins, one a file; `registry` is the table of them."""
