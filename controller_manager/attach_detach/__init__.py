"""Attaches the volumes of CSI drivers to the nodes of the pods that need them, and detaches them."""
