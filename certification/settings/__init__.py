"""The one settings module, split by concern; every value comes from the environment."""

from certification.environment import BASE_DIR, DEMO, TEST, VAR

from .applications import *
from .database import *
from .integrations import *
from .logging import *
from .programme import *
from .security import *
from .storage import *
from .workers import *

__all__ = ["BASE_DIR", "DEMO", "TEST", "VAR"]
