"""The broker is a doorbell, never a ledger: emptying it delays work and loses none."""

from pathlib import Path

from certification.broker import SCHEME
from certification.environment import TEST, VAR

from .integrations import REDIS_URL

# Without Redis, messages are files in two folders, each queue has one worker, and the quick one carries beat.
_folder = VAR / "broker"
_queue_folder = _folder / "queue"
_control_folder = _folder / "control"
BROKER_FOLDERS: list[Path] = [_folder] if REDIS_URL else [_queue_folder, _control_folder]

# Of what waits in the slow queue: an hour of video in high resolution takes a small machine several.
SLOW_TASK_LIMITS = {"time_limit": 6 * 3600, "soft_time_limit": 6 * 3600 - 300}

_file_options: dict[str, object] = {
    "data_folder_in": str(_queue_folder),
    "data_folder_out": str(_queue_folder),
    "control_folder": str(_control_folder),
    "polling_interval": 0.1,
}
if REDIS_URL:
    CELERY_BROKER_URL = REDIS_URL
    # Longer than the longest job, or Redis hands it to a second worker while the first is at it.
    CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, object] = {
        "visibility_timeout": SLOW_TASK_LIMITS["time_limit"] + 3600
    }
elif TEST:
    # A test rings bells that nobody has to hear.
    CELERY_BROKER_URL = "memory://"
    CELERY_BROKER_TRANSPORT_OPTIONS = {}
else:
    CELERY_BROKER_URL = f"{SCHEME}://"
    CELERY_BROKER_TRANSPORT_OPTIONS = _file_options
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BEAT_SCHEDULE_FILENAME = str(_folder / "beat-schedule")
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = "json"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_TIME_LIMIT = 1800
CELERY_TASK_SOFT_TIME_LIMIT = 1740
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_ENABLE_UTC = True
CELERY_TIMEZONE = "UTC"
