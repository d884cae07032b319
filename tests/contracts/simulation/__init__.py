"""The simulated services and the emulators answer the same."""
