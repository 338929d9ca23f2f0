"""What the routes do: each call from its request to its response."""
