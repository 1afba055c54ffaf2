"""Devices that pods claim: who has them, which are to be had on a node, and handing them out."""
