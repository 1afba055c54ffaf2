"""API priority and fairness: a noisy client waits for its own requests, not for others to wait for them."""
