"""Role-based access control, evaluated from the watch cache."""
