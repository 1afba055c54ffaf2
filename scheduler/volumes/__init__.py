"""What the scheduler knows of claims and volumes, and how it has them bound for a pod."""
