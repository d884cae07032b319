"""The only code that talks to AWS: one file per port, the clients, and the keys of the table."""
