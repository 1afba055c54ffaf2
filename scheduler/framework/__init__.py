"""What plugins are to the scheduler: extension points, verdicts, events, and the profile that runs them."""
