"""The only place that knows which packet is whose.  Source: the programme's rules, section 7; ADR 0002."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from certification.kernel import ids
from certification.kernel.states import state_is_known, state_machine

from .. import states
from ..states import BlindingState


class Blinding(models.Model):
    """The work of making one entry anonymous, and the join between its packet's code and the entry.

    Personal data: the join itself; who checked and who signed; the words staff had covered.
    """

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    entry = models.OneToOneField("portfolio.Entry", on_delete=models.PROTECT, related_name="blinding")
    state = models.CharField(max_length=20, choices=BlindingState, default=BlindingState.WAITING)
    problem = models.CharField(max_length=300, blank=True)
    sent_back_because = models.CharField(max_length=300, blank=True)
    also_cover = ArrayField(
        models.CharField(max_length=100),
        default=list,
        blank=True,
        help_text="Words that name this candidate besides what the registration says, found by staff.",
    )
    cleaned_at = models.DateTimeField(null=True, blank=True)
    checked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    checked_at = models.DateTimeField(null=True, blank=True)
    signed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    signed_at = models.DateTimeField(null=True, blank=True)
    packet_code = models.CharField(max_length=12, unique=True, null=True, blank=True)

    class Meta:
        constraints = [
            state_is_known(BlindingState, name="blinding_state_known"),
            models.CheckConstraint(
                condition=Q(signed_by__isnull=True) | ~Q(signed_by=F("checked_by")),
                name="blinding_signed_by_a_second_person",
                violation_error_message=(
                    "A second person signs off a blinding: you checked this one yourself."
                ),
            ),
            models.CheckConstraint(
                condition=~Q(state=BlindingState.SIGNED_OFF)
                | Q(
                    checked_by__isnull=False,
                    checked_at__isnull=False,
                    signed_by__isnull=False,
                    signed_at__isnull=False,
                    packet_code__isnull=False,
                ),
                name="blinding_signed_off_is_complete",
            ),
            models.CheckConstraint(
                condition=~Q(state=BlindingState.FAILED) | ~Q(problem=""),
                name="blinding_failure_says_why",
            ),
        ]
        triggers = state_machine(states.BLINDING_ALLOWED, initial=[BlindingState.WAITING])

    def __str__(self) -> str:
        return f"blinding of {self.entry}"


class CleanedFile(models.Model):
    """A cleaned copy, in the blind storage, not yet a packet.  Personal data: faces in videos."""

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    blinding = models.ForeignKey(Blinding, on_delete=models.CASCADE, related_name="files")
    evidence = models.ForeignKey("portfolio.Evidence", on_delete=models.PROTECT, related_name="cleaned")
    ordinal = models.PositiveSmallIntegerField()
    label = models.CharField(max_length=150)
    kind = models.CharField(max_length=10)
    page_number = models.PositiveSmallIntegerField(null=True, blank=True)
    storage_key = models.CharField(max_length=200, unique=True)
    content_type = models.CharField(max_length=60)
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    width = models.PositiveIntegerField(null=True, blank=True)
    height = models.PositiveIntegerField(null=True, blank=True)
    seconds = models.DecimalField(max_digits=9, decimal_places=3, null=True, blank=True)
    text = models.TextField(blank=True)

    class Meta:
        ordering = ["blinding", "ordinal"]
        constraints = [
            models.UniqueConstraint(fields=["blinding", "ordinal"], name="cleaned_file_ordinal_unique")
        ]

    def __str__(self) -> str:
        return self.label


class Finding(models.Model):
    """An identifier met in an original, and whether the cleaned copy covers it.

    What the cleaning found is replaced when it cleans again.  What a person recorded stays, and holds
    up the sign-off, until somebody writes down how it was settled.

    Personal data: the identifier as it was found; who recorded it.
    """

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    blinding = models.ForeignKey(Blinding, on_delete=models.CASCADE, related_name="findings")
    evidence = models.ForeignKey("portfolio.Evidence", on_delete=models.PROTECT, related_name="findings")
    where = models.CharField(max_length=120)
    page_number = models.PositiveSmallIntegerField(null=True, blank=True)
    kind = models.CharField(max_length=40)
    excerpt = models.CharField(max_length=300)
    covered = models.BooleanField()
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    settled_as = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["evidence", "page_number", "where"]
        constraints = [
            models.CheckConstraint(
                condition=Q(settled_as="") | Q(recorded_by__isnull=False),
                name="finding_settled_was_recorded",
                violation_error_message="Only what a person recorded is settled by a person.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} in {self.where}"


class UnclaimedCopy(models.Model):
    """A key of the blind storage that no cleaned file stands for yet, or any more.

    Written before the copy is stored and removed with the rows that claim it, so that a process may
    die at any point and the sweep still knows what to remove.  Holds no personal data.
    """

    storage_key = models.CharField(max_length=200, primary_key=True)
    blinding = models.ForeignKey(Blinding, on_delete=models.CASCADE, related_name="+")

    def __str__(self) -> str:
        return self.storage_key
