"""What is settled of a call before a route serves it: where it comes from, how often, and whether it came before."""
