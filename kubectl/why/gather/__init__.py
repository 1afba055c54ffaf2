"""The effects behind the rules: what is asked of the API and, through it, of the daemons."""
