"""How a cluster is made on a machine and taken away again: packages, PKI, processes, the demo."""
