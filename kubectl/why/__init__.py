"""`why`: facts are gathered (`gather/`), pure rules read them (`rules/`), and the best answer is told.

A rule is a function from facts to a Diagnosis or None. It says only what the facts show: nothing is guessed
from prose where a daemon's own record says it, and where only symptoms speak the confidence is `likely`.
"""
