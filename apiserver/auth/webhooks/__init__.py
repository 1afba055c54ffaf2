"""Authentication and authorization that another server answers for."""
