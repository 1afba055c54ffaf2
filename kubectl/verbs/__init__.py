"""One file per verb; `tree` says which there are."""
