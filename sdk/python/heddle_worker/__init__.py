"""Workers for heddle, in Python: see README.md."""
from .address import Tls
from .check import DoesNotFit, check_inputs, check_outputs
from .run import Limits
from .spec import ActivitySpec, SpecError, read_spec
from .task import SKIPPED, Cancelled, Ref, Task
from .worker import Worker

__all__ = ["SKIPPED", "ActivitySpec", "Cancelled", "DoesNotFit", "Limits", "Ref", "SpecError", "Task", "Tls", "Worker", "check_inputs", "check_outputs", "read_spec"]
__version__ = "0.1.0"
