"""The node's own certificates: asked for when it joins, and again before they end."""
