"""The `lorry` command line: `main` runs it, `arguments` defines it, `get` and `commands` implement it."""
