"""ResourceQuotas: what objects use, and which quotas they count against."""
