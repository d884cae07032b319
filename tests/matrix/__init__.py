"""The same service on other stacks: `make test-matrix`. Installs what it needs, once, below .venvs/."""
