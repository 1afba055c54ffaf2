"""What a machine must be to carry a cluster: `reader` reads the facts once, pure `checks` judge them."""
