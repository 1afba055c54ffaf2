"""`proxy`: which requests are let through, where they go, and the files beside them."""
