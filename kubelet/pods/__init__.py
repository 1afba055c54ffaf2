"""One pod on a node: what is seen of it, what is to be done, who does it, what is reported."""
