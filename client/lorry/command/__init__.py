"""The `lorry` command line: `main` reads the arguments, `commands` does them, `displays` shows how it goes."""
