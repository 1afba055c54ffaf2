"""The persistent volume controller: brings claims and volumes together, and deals with what is left over."""
