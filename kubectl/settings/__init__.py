"""`set`: what its subcommands share, and each of them."""
