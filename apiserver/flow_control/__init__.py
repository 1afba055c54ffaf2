"""API priority and fairness: a noisy client queues behind its own requests; others do not wait for them."""
