"""The kubectl-like verbs of `sampan`: one file a verb, printers beside them."""
