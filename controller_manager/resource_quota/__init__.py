"""The controller of ResourceQuotas."""
