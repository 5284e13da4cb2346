"""Accounts in the administration: roles, access, and the state of the second step."""

from __future__ import annotations

from typing import Any, ClassVar

# Imported so that they have registered their models before those are taken out again below.
import allauth.account.admin
import allauth.mfa.admin  # noqa: F401
import django.contrib.auth.admin  # noqa: F401
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest

from certification.kernel import clock
from certification.kernel.admin import StaffAdmin
from certification.kernel.errors import Refusal

from . import services
from .forms import AccountForm, NewAccountForm
from .models import User

# The secrets of second steps are nobody's to read, an address is verified by its owner alone,
# and an account has a role instead of groups.
admin.site.unregister(Authenticator)
admin.site.unregister(EmailAddress)
admin.site.unregister(Group)


class SecondStepFilter(admin.SimpleListFilter):
    """Who has set up a second step, and who has not."""

    title = "two-step verification"
    parameter_name = "second_step"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("on", "Set up"), ("off", "Not set up")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "on":
                return queryset.filter(has_second_step=True)
            case "off":
                return queryset.filter(has_second_step=False)
        return queryset


@admin.register(User)
class UserAdmin(StaffAdmin):
    """Every change goes through a service, which puts it on record."""

    records_itself = True
    list_display = [
        "email",
        "full_name",
        "role",
        "is_active",
        "address_verified",
        "second_step",
        "last_login",
    ]
    list_filter = ["role", "is_active", SecondStepFilter]
    search_fields = ["email", "full_name"]
    ordering = ["email"]
    actions = ["reset_second_step"]
    fieldsets: ClassVar[Any] = [
        (None, {"fields": ["email", "full_name", "timezone"]}),
        ("Access", {"fields": ["role", "is_active", "address_verified", "second_step"]}),
        ("Since", {"fields": ["joined_at", "last_login"]}),
    ]
    add_fieldsets: ClassVar[Any] = [(None, {"fields": ["email", "full_name", "timezone", "role"]})]
    readonly_fields = ["email", "address_verified", "second_step", "joined_at", "last_login"]

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """An account is closed, never deleted: its acts stay on record."""
        return False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Never by password: asked often enough, the list would spell out its hash."""
        return not lookup.startswith("password") and super().lookup_allowed(lookup, value, request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        own_steps = Authenticator.objects.filter(user=OuterRef("pk"))
        proven = EmailAddress.objects.filter(
            user=OuterRef("pk"), email__iexact=OuterRef("email"), verified=True
        )
        return (
            super()
            .get_queryset(request)
            .annotate(has_second_step=Exists(own_steps), has_verified_address=Exists(proven))
        )

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        return self.fieldsets if obj else self.add_fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        return self.readonly_fields if obj else []

    def get_form(
        self, request: HttpRequest, obj: User | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form = super().get_form(
            request, obj, change, **{**kwargs, "form": AccountForm if obj else NewAccountForm}
        )
        form.by = request.user  # type: ignore[attr-defined]
        return form

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        by, given = request.user, form.cleaned_data
        if not isinstance(by, User):
            raise TypeError("Only an account of the site can be at work here.")
        if change:
            services.change_account(account_id=obj.pk, by=by, **given)
            return
        obj.pk = services.open_account(by=by, now=clock.now(), **given).pk

    @admin.display(description="e-mail verified", boolean=True)
    def address_verified(self, account: Any) -> bool:
        return bool(account.has_verified_address)

    @admin.display(description="two-step verification", boolean=True)
    def second_step(self, account: Any) -> bool:
        return bool(account.has_second_step)

    @admin.action(description="Reset two-step verification")
    def reset_second_step(self, request: HttpRequest, accounts: QuerySet[User]) -> None:
        done = 0
        for account in accounts:
            try:
                done += services.reset_second_step(
                    account_id=account.pk,
                    by=request.user,  # type: ignore[arg-type]
                    now=clock.now(),
                )
            except Refusal as refusal:
                messages.error(request, f"{account.email}: {refusal}")
        messages.success(request, f"{done} reset. Whoever it was has been told by mail.")
