"""What a command of `sayso` ends with, as shells and callers of the API hear it. It imports nothing.

Which error means which is for `client`, and for `cli` where the error is of the command line.
"""

from sayso.bots.exit_codes._codes import EXIT_CODES, ExitCode

__all__ = ["EXIT_CODES", "ExitCode"]
