"""The proxy mode nftables: one table of our own, maps that lead from destinations to chains."""
