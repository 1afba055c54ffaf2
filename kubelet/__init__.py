"""The node agent: watches the Pods bound to its node and makes the container runtime run them."""
