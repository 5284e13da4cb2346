"""What people type about purchase orders and seats."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from certification.kernel.errors import BadInput
from certification.kernel.names import without_unprinted
from payments import purchase_files, roster_file
from payments.models import PurchaseOrder
from payments.money import spoken
from payments.offers import LARGEST_REQUEST, Offer
from payments.purchase_files import Document
from payments.services import PurchaseOrderDetails


class PurchaseOrderForm(forms.ModelForm):
    """A request to pay by invoice, with the document behind it.

    `resent` says that the document was sent before, and need not be again.
    """

    file = forms.FileField(
        label="The purchase order",
        help_text="A PDF, or a scan as PNG or JPEG, of at most 10 MB.",
        allow_empty_file=True,  # the inspection has the better sentence for an empty file
        error_messages={
            "required": "Choose the purchase order’s file: our staff decide by it.",
            "max_length": "The file’s name is too long. Give it a shorter name and choose it again.",
        },
        widget=forms.FileInput(attrs={"accept": purchase_files.ACCEPT}),
    )

    class Meta:
        model = PurchaseOrder
        fields = ["number", "organisation", "billing_name", "billing_email", "billing_address"]
        help_texts = {
            "number": "As your organisation's purchasing office wrote it on the purchase order.",
            "organisation": "Who pays: the school, district or other employer.",
            "billing_name": "Whom our invoice is addressed to.",
            "billing_email": "Where the invoice is sent.",
        }
        error_messages = {
            "number": {"required": "Give the purchase order's number."},
            "organisation": {"required": "Say who pays."},
            "billing_name": {"required": "Name the person our invoice is addressed to."},
            "billing_email": {
                "required": "Give the address the invoice is sent to.",
                "invalid": "Write an e-mail address such as office@district.example.",
            },
            "billing_address": {"required": "Give the postal address the invoice shows."},
        }
        widgets = {
            "number": forms.TextInput(attrs={"autocomplete": "off"}),
            "organisation": forms.TextInput(attrs={"autocomplete": "organization"}),
            "billing_name": forms.TextInput(attrs={"autocomplete": "off"}),
            "billing_email": forms.EmailInput(attrs={"autocomplete": "off"}),
            "billing_address": forms.Textarea(attrs={"rows": 4, "autocomplete": "off"}),
        }

    def __init__(self, *args: Any, resent: bool = False, too_large: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if resent:
            self.fields["file"].required = False
            self.fields["file"].label = "A corrected document"
        if too_large:
            _say_too_large(self.fields["file"], purchase_files.too_large())

    def clean(self) -> dict[str, Any]:
        """Keep names on one line: staff would not see what stands below it, and readers of mails would."""
        cleaned = super().clean() or self.cleaned_data
        for name in ("number", "organisation", "billing_name"):
            if name in cleaned:
                cleaned[name] = " ".join(without_unprinted(cleaned[name]).split())
                if not cleaned[name]:
                    self.add_error(name, self.fields[name].error_messages["required"])
        return cleaned

    def clean_file(self) -> Document | None:
        file: UploadedFile | None = self.cleaned_data["file"]
        if not file:
            return None
        try:
            return purchase_files.read(file, file.name or "")
        except BadInput as refusal:
            raise forms.ValidationError(str(refusal)) from refusal

    @property
    def details(self) -> PurchaseOrderDetails:
        return PurchaseOrderDetails(**{name: self.cleaned_data[name] for name in self.Meta.fields})

    @property
    def document(self) -> Document | None:
        document: Document | None = self.cleaned_data["file"]
        return document


class SeatsForm(PurchaseOrderForm):
    """A purchase order for several candidates' seats; a corrected one keeps its cohort."""

    offer = forms.ChoiceField(
        label="For which cohort",
        error_messages={
            "required": "Choose the cohort your coaches register for.",
            "invalid_choice": "This cohort is not on sale any more. Choose another one.",
        },
    )
    how_many = forms.IntegerField(
        label="Seats",
        min_value=1,
        max_value=LARGEST_REQUEST,
        help_text="One for each coach you pay for. Seats nobody claims are invoiced too.",
        error_messages={
            "required": "Say for how many coaches you pay.",
            "invalid": "Write the number of seats in digits.",
            "min_value": "Order at least one seat.",
            "max_value": f"One purchase order pays for {LARGEST_REQUEST} seats at most. Send several.",
        },
    )
    field_order = ["offer", "how_many"]

    def __init__(self, *args: Any, offers: Sequence[Offer] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if offers:
            field = self.fields["offer"]
            assert isinstance(field, forms.ChoiceField)
            field.choices = [
                (str(offer.id), f"{offer.title}, {spoken(offer.amount_minor, offer.currency)} each")
                for offer in offers
            ]
        else:
            del self.fields["offer"]


class RosterForm(forms.Form):
    """A file that names who is to have the seats."""

    file = forms.FileField(
        label="Roster",
        help_text="A CSV file with the headings “name” and “email”, as a spreadsheet saves it; at most 1 MB.",
        allow_empty_file=True,  # reading it has the better sentence for an empty file
        error_messages={"required": "Choose a file first, then press the button again."},
        widget=forms.FileInput(attrs={"accept": ".csv,text/csv,text/plain"}),
    )

    def __init__(self, *args: Any, too_large: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if too_large:
            _say_too_large(self.fields["file"], roster_file.too_large())

    def clean_file(self) -> bytes:
        return bytes(self.cleaned_data["file"].read())


class SeatForm(forms.Form):
    """Who is to have one seat; empty, it is nobody's."""

    name = forms.CharField(
        label="Name",
        max_length=roster_file.NAME_LENGTH,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    email = forms.EmailField(
        label="E-mail address",
        required=False,
        error_messages={"invalid": "Write an e-mail address such as coach@school.example."},
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )


class CodeForm(forms.Form):
    """The code of a seat somebody else pays for."""

    code = forms.CharField(
        label="Code",
        max_length=40,
        help_text="Ten letters and digits. Capitals, spaces and dashes do not matter.",
        error_messages={"required": "Type the code you were sent."},
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


def _say_too_large(file: forms.Field, refusal: BadInput) -> None:
    """A file that was not read to its end is missing, for the reason that it was not."""
    file.required = True
    file.error_messages["required"] = str(refusal)
