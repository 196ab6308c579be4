"""What a sceptic needs: numbers on record, witnesses, proofs by machine, a hunt, mutants, what is installed.

Nothing in `bngd` imports it, and no reader needs it: the book quotes the files that it keeps in ``trust/results``.
"""
