"""Whole jobs on stacks without Lambda: `make dev` on LocalStack, with SeaweedFS as the store, and on MiniStack."""
