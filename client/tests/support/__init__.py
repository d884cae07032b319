"""Helpers of the client's tests: a fake service and store, ZIPs, and ways to run the command."""
