"""Finding the workflow that `MODULE:WORKFLOW` names. This imports the module, and so runs its top-level code."""

from __future__ import annotations

import importlib
import sys
import traceback
from pathlib import Path
from types import ModuleType

from sayso.config import forget_secrets
from sayso.engine import AuthorError, OperatorError, Workflow


class UnknownWorkflow(OperatorError):
    """`MODULE:WORKFLOW` names nothing. `reason` says which part, and what there is instead."""

    def __init__(self, reference: str, reason: str) -> None:
        self.reference = reference
        self.reason = reason
        super().__init__(f"{reference!r}: {reason}")


class UnloadableWorkflow(AuthorError):
    """The module raised while it was imported. `place` is the file and line."""

    def __init__(self, module: str, error: BaseException) -> None:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        self.module = module
        self.place = f"{frame.filename}:{frame.lineno}"
        super().__init__(f"cannot import module {module!r}: {type(error).__name__}: {error} ({self.place})")


def load_workflow(reference: str, directory: Path) -> Workflow:
    """The workflow of `MODULE:WORKFLOW`; the module is looked for in `directory` first. From here on code of others
    runs in this process: what it starts does not inherit the secrets of the environment, which settings hold by now.

    Raises `UnknownWorkflow`, `UnloadableWorkflow`.
    """
    module_name, colon, attribute = reference.partition(":")
    if not colon or not module_name or not attribute:
        raise UnknownWorkflow(reference, _advice(reference))
    forget_secrets()
    module = _import(reference, module_name, directory)
    found = getattr(module, attribute, None)
    if isinstance(found, Workflow):
        return found
    others = sorted(name for name, value in vars(module).items() if isinstance(value, Workflow))
    there = (
        f"Workflows in it: {', '.join(others)}" if others else f"Module {module_name!r} defines no Workflow"
    )
    if found is None:
        raise UnknownWorkflow(reference, f"module {module_name!r} has no {attribute!r}. {there}.")
    raise UnknownWorkflow(reference, f"{attribute!r} is a {type(found).__name__}, not a Workflow. {there}.")


def _advice(reference: str) -> str:
    if "/" in reference or reference.endswith(".py"):
        dotted = reference.removesuffix(".py").strip("./").replace("/", ".")
        return f"write it as MODULE:WORKFLOW, for example {dotted}:workflow."
    return "write it as MODULE:WORKFLOW, for example shop.release:workflow."


def _import(reference: str, name: str, directory: Path) -> ModuleType:
    if "/" in name or name.endswith(".py"):
        raise UnknownWorkflow(reference, _advice(name))
    if str(directory) not in sys.path:
        sys.path.insert(0, str(directory))
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise UnloadableWorkflow(name, error) from error
        raise UnknownWorkflow(
            reference, f"no module named {error.name!r} in {directory} or on the Python path."
        ) from error
    except (Exception, SystemExit) as error:
        raise UnloadableWorkflow(name, error) from error
