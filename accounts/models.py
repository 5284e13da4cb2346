"""People who sign in.  One account has one role, so nobody stands on both sides of the blind wall."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models.functions import Lower

from certification.kernel import clock, ids


class Role(models.TextChoices):
    """What an account may do.  Source: the programme's rules, section 1."""

    CANDIDATE = "candidate", "Candidate"
    SPONSOR = "sponsor", "Sponsor"
    SCORER = "scorer", "Scorer"
    LEAD_SCORER = "lead_scorer", "Lead scorer"
    STAFF = "staff", "Staff"


BLIND_ROLES = frozenset({Role.SCORER, Role.LEAD_SCORER})
MFA_ROLES = frozenset({Role.SCORER, Role.LEAD_SCORER, Role.STAFF})


class UserManager(BaseUserManager["User"]):
    """Makes accounts; the e-mail address is the login."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        if not email:
            raise ValueError("An account needs an e-mail address.")
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        fields.update(role=Role.STAFF, is_superuser=True)
        return self.create_user(email, password, **fields)

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email__iexact=username)


class User(AbstractBaseUser, PermissionsMixin):
    """An account.

    Personal data: e-mail address, full name, time zone, instant of the last sign-in.
    """

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    email = models.EmailField("e-mail address")
    full_name = models.CharField("full name", max_length=150, blank=True)
    role = models.CharField(max_length=20, choices=Role, default=Role.CANDIDATE)
    timezone = models.CharField(
        "time zone", max_length=60, blank=True, help_text="Dates are also shown in this zone."
    )
    is_active = models.BooleanField("active", default=True)
    joined_at = models.DateTimeField(editable=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        ordering = ["email"]
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                name="account_email_unique",
                violation_error_message=(
                    "There is an account with this e-mail address already. Sign in instead."
                ),
            ),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="account_role_known"),
            models.CheckConstraint(
                condition=models.Q(is_superuser=False) | models.Q(role=Role.STAFF),
                name="account_superuser_is_staff",
            ),
        ]

    def __str__(self) -> str:
        return self.full_name or self.email

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.joined_at is None:
            self.joined_at = clock.now()
        super().save(*args, **kwargs)

    @property
    def is_staff(self) -> bool:
        """Whether the Django admin lets this account in."""
        return self.role == Role.STAFF

    @property
    def is_blind(self) -> bool:
        """Whether this account stands on the scorers' side of the wall."""
        return self.role in BLIND_ROLES

    @property
    def needs_mfa(self) -> bool:
        return self.role in MFA_ROLES

    def get_full_name(self) -> str:
        return self.full_name or self.email

    def get_short_name(self) -> str:
        return self.full_name.split(" ")[0] if self.full_name else self.email
