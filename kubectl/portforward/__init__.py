"""`port-forward`: local ports joined to ports of a pod."""
