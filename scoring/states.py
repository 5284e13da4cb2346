"""States of packets and assignments, and the moves between them."""

from django.db import models


class PacketState(models.TextChoices):
    READY = "ready", "Ready to assign"
    ASSIGNED = "assigned", "Being scored"
    ADJUDICATION = "adjudication", "With an adjudicator"
    CLOSED = "closed", "Scored"


PACKET_ALLOWED: dict[str, frozenset[str]] = {
    PacketState.READY: frozenset({PacketState.ASSIGNED}),
    # Back to ready when a scorer recognises the person and steps aside.
    PacketState.ASSIGNED: frozenset({PacketState.READY, PacketState.ADJUDICATION, PacketState.CLOSED}),
    PacketState.ADJUDICATION: frozenset({PacketState.CLOSED}),
    PacketState.CLOSED: frozenset(),
}


class AssignmentState(models.TextChoices):
    ASSIGNED = "assigned", "To do"
    IN_PROGRESS = "in_progress", "In progress"
    SUBMITTED = "submitted", "Submitted"
    RECUSED = "recused", "Stepped aside"


ASSIGNMENT_ALLOWED: dict[str, frozenset[str]] = {
    AssignmentState.ASSIGNED: frozenset(
        {AssignmentState.IN_PROGRESS, AssignmentState.SUBMITTED, AssignmentState.RECUSED}
    ),
    AssignmentState.IN_PROGRESS: frozenset({AssignmentState.SUBMITTED, AssignmentState.RECUSED}),
    AssignmentState.SUBMITTED: frozenset(),
    AssignmentState.RECUSED: frozenset(),
}


# Still to be scored, and the only ones whose evidence a scorer may look at.
OPEN_ASSIGNMENTS = (AssignmentState.ASSIGNED, AssignmentState.IN_PROGRESS)


class AssignmentRole(models.TextChoices):
    SCORER = "scorer", "Scorer"
    ADJUDICATOR = "adjudicator", "Adjudicator"


class FileKind(models.TextChoices):
    PAGE = "page", "Page image"
    VIDEO = "video", "Video"
    POSTER = "poster", "Video poster"
    CAPTIONS = "captions", "Captions"
