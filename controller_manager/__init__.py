"""The controllers: one file each, every one a reconcile over informers, and the table of them."""
