"""Authentication: who is calling, told by a token that a configured issuer signed."""
