"""The proxy mode iptables: chains in the tables nat and filter, tried rule by rule."""
