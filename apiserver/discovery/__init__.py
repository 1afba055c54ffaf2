"""Discovery: which groups, versions and resources there are, in the plain and the aggregated form."""
