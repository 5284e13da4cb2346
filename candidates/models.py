"""Cohorts, registrations and candidacies.  Source: the programme's rules, sections 2 and 3."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from certification.kernel import ids
from certification.kernel.states import append_only, state_is_known, state_machine
from certification.kernel.windows import Window, spoken

from . import states
from .states import TEXT_KINDS, AffirmationKind, CandidacyState, RegistrationState


class Cohort(models.Model):
    """A yearly intake with its calendar and its policy.  Holds no personal data."""

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    number = models.PositiveSmallIntegerField(unique=True)
    name = models.CharField(max_length=100)
    first_year = models.PositiveSmallIntegerField(
        help_text="The calendar year of the first submission window."
    )
    zone = models.CharField(max_length=60, help_text="The programme's time zone when the cohort was created.")
    framework_slug = models.SlugField(
        max_length=60, help_text="Which portfolio framework its candidates follow."
    )
    registration_opens_at = models.DateTimeField()
    registration_closes_at = models.DateTimeField()
    fee_minor = models.PositiveIntegerField(default=50000, help_text="In the currency's smallest unit.")
    currency = models.CharField(max_length=3, default="USD")
    min_years_employed = models.DecimalField(max_digits=4, decimal_places=1, default=2)
    refuse_below_percent = models.PositiveSmallIntegerField(default=60)
    clean_from_percent = models.PositiveSmallIntegerField(default=70)
    grace_minutes = models.PositiveSmallIntegerField(default=0)
    retakes_in_year_2 = models.BooleanField(default=False)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.CheckConstraint(
                condition=Q(registration_closes_at__gt=F("registration_opens_at")),
                name="cohort_registration_closes_after_it_opens",
                violation_error_message="Registration must close after it opens.",
            ),
            models.CheckConstraint(
                condition=Q(refuse_below_percent__lte=F("clean_from_percent"), clean_from_percent__lte=100),
                name="cohort_percent_bounds_in_order",
                violation_error_message=(
                    "The refusal bound may not be above the clean bound, nor that above 100."
                ),
            ),
            models.CheckConstraint(
                condition=Q(fee_minor__gt=0),
                name="cohort_fee_positive",
                violation_error_message="The fee must be more than nothing.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def registration_window(self) -> Window:
        return Window(self.registration_opens_at, self.registration_closes_at).with_grace(self.grace_minutes)


class CohortYear(models.Model):
    """One submission window of a cohort and the release that follows it.  Holds no personal data."""

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    cohort = models.ForeignKey(Cohort, on_delete=models.CASCADE, related_name="years")
    number = models.PositiveSmallIntegerField()
    submission_opens_at = models.DateTimeField()
    submission_closes_at = models.DateTimeField()
    release_at = models.DateTimeField()

    class Meta:
        ordering = ["cohort", "number"]
        constraints = [
            models.UniqueConstraint(fields=["cohort", "number"], name="cohort_year_unique"),
            models.CheckConstraint(
                condition=Q(number__gte=1, number__lte=3), name="cohort_year_one_to_three"
            ),
            models.CheckConstraint(
                condition=Q(submission_closes_at__gt=F("submission_opens_at"))
                & Q(release_at__gt=F("submission_closes_at")),
                name="cohort_year_in_order",
                violation_error_message=(
                    "Submission must close after it opens, and scores come out after that."
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.cohort}, year {self.number}"

    @property
    def submission_window(self) -> Window:
        return Window(self.submission_opens_at, self.submission_closes_at).with_grace(
            self.cohort.grace_minutes
        )


class PolicyDocument(models.Model):
    """A version of a text that candidates affirm or a page shows.  Append-only.  Holds no personal data."""

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    kind = models.CharField(max_length=20, choices=TEXT_KINDS)
    version = models.PositiveSmallIntegerField()
    title = models.CharField(max_length=120)
    body = models.TextField()
    sha256 = models.CharField(max_length=64)
    published_at = models.DateTimeField()

    class Meta:
        verbose_name = "published text"
        ordering = ["kind", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["kind", "version"], name="policy_document_version_unique"),
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.title}, version {self.version}"


class Registration(models.Model):
    """Somebody's way into a cohort, saved step by step.

    Personal data: name, employer, role and years of employment of the person registering.
    """

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    cohort = models.ForeignKey(Cohort, on_delete=models.PROTECT, related_name="registrations")
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="registrations"
    )
    state = models.CharField(max_length=20, choices=RegistrationState, default=RegistrationState.DRAFT)
    started_at = models.DateTimeField()
    name_on_certificate = models.CharField(max_length=150, blank=True)
    school = models.CharField(max_length=150, blank=True)
    district = models.CharField(max_length=150, blank=True)
    country = models.CharField(max_length=80, blank=True)
    role_title = models.CharField("job title", max_length=120, blank=True)
    full_time = models.BooleanField("employed full-time as an instructional coach", null=True, blank=True)
    years_employed = models.DecimalField(
        "full school years in that role", max_digits=4, decimal_places=1, null=True, blank=True
    )
    coaching_percent = models.DecimalField(
        "share of work time spent on cycle-based partnership coaching (%)",
        max_digits=5,
        decimal_places=2,
        null=True,
        blank=True,
    )
    advisory_acknowledged_at = models.DateTimeField(null=True, blank=True)
    flagged_for_staff = models.BooleanField(default=False)
    decided_at = models.DateTimeField(null=True, blank=True)
    reasons = models.JSONField(default=list, blank=True)
    wants_reminder = models.BooleanField(default=False)

    class Meta:
        ordering = ["-started_at"]
        constraints = [
            state_is_known(RegistrationState, name="registration_state_known"),
            models.UniqueConstraint(
                fields=["account", "cohort"],
                name="registration_one_per_cohort",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=[RegistrationState.AWAITING_PAYMENT, RegistrationState.COMPLETE])
                | (
                    ~Q(name_on_certificate="")
                    & ~Q(school="")
                    & ~Q(country="")
                    & Q(full_time=True, years_employed__isnull=False, coaching_percent__isnull=False)
                ),
                name="registration_payable_is_filled_in",
                violation_error_message="A registration needs every answer before it can be paid.",
            ),
        ]
        triggers = state_machine(states.REGISTRATION_ALLOWED, initial=[RegistrationState.DRAFT])

    def __str__(self) -> str:
        return f"{self.name_on_certificate or self.account} in {self.cohort}"


class Affirmation(models.Model):
    """One affirmed sentence with the exact text behind it.  Append-only.  Personal data: the account."""

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    registration = models.ForeignKey(Registration, on_delete=models.PROTECT, related_name="affirmations")
    document = models.ForeignKey(PolicyDocument, on_delete=models.PROTECT, related_name="affirmations")
    kind = models.CharField(max_length=20, choices=AffirmationKind)
    sha256 = models.CharField(max_length=64)
    account = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    affirmed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["registration", "document"], name="affirmation_once"),
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({self.affirmed_at:%Y-%m-%d})"


class Candidacy(models.Model):
    """A person's way through up to three years of one cohort.

    Personal data: through the registration, the person; `number` is theirs alone.
    """

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    number = models.CharField(max_length=20, unique=True, help_text="Shown to the candidate and to staff.")
    registration = models.OneToOneField(Registration, on_delete=models.PROTECT, related_name="candidacy")
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="candidacies"
    )
    cohort = models.ForeignKey(Cohort, on_delete=models.PROTECT, related_name="candidacies")
    state = models.CharField(max_length=20, choices=CandidacyState, default=CandidacyState.ACTIVE)
    enrolled_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_as = models.CharField(max_length=40, blank=True)

    class Meta:
        ordering = ["number"]
        verbose_name_plural = "candidacies"
        constraints = [
            state_is_known(CandidacyState, name="candidacy_state_known"),
            models.UniqueConstraint(
                fields=["account"],
                condition=Q(state=CandidacyState.ACTIVE),
                name="candidacy_one_live_per_person",
                violation_error_message="This person has a live candidacy already.",
            ),
            models.CheckConstraint(
                condition=Q(state=CandidacyState.ACTIVE) | Q(ended_at__isnull=False),
                name="candidacy_end_has_instant",
                violation_error_message="A candidacy that ended needs the instant at which it did.",
            ),
        ]
        triggers = state_machine(states.CANDIDACY_ALLOWED, initial=[CandidacyState.ACTIVE])

    def __str__(self) -> str:
        return self.number


class DeadlineExtension(models.Model):
    """One person's later deadline for one year's submission.  Append-only.  Personal data: the reason."""

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    candidacy = models.ForeignKey(Candidacy, on_delete=models.PROTECT, related_name="extensions")
    year = models.PositiveSmallIntegerField()
    closes_at = models.DateTimeField()
    reason = models.CharField(max_length=300)
    granted_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    granted_at = models.DateTimeField()

    class Meta:
        ordering = ["granted_at"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(reason=""),
                name="extension_with_reason",
                violation_error_message="An extension needs a reason.",
            ),
            models.CheckConstraint(condition=Q(year__gte=1, year__lte=3), name="extension_year_one_to_three"),
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"year {self.year} until {spoken(self.closes_at, settings.PROGRAMME_ZONE, ending=True)}"
