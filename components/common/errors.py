"""Errors that a person can act on: each names what is wrong, where, and what to do about it."""


class ArmillaryError(Exception):
    """A failure with a remedy.

    Parameters
    ----------
    problem : str
        What is wrong, naming the file, row, parameter or address.
    remedy : str
        What the reader can do about it, as an instruction.
    """

    exit_code = 1

    def __init__(self, problem: str, remedy: str):
        super().__init__(f"{problem} {remedy}")
        self.problem = problem
        self.remedy = remedy


class InputError(ArmillaryError):
    """A file, table or spectrum that cannot be used as it is."""

    exit_code = 3


class ParameterError(ArmillaryError):
    """A parameter, exercise or preset that does not exist or has an impossible value."""

    exit_code = 2


class ArchiveError(ArmillaryError):
    """An archive that does not answer, or answers with something that is not what was asked for."""

    exit_code = 4


class StoreError(ArmillaryError):
    """An object store that is down, refuses the credentials, or lacks what was asked for."""

    exit_code = 5


class EngineError(ArmillaryError):
    """A container engine that does not answer, lacks an image, or ends a stage."""

    exit_code = 6
