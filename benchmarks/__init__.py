"""How fast, and compared with what: every alternative on the same problem, in the same run, with results checked."""
