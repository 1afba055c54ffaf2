"""One strategy a kind; `registered` is the table of them."""
