"""What people do in a browser on every journey: make an account, sign in, register."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from django.core import mail

if TYPE_CHECKING:
    from playwright.sync_api import Page

PASSWORD = "a-long-enough-password"
Visit = Callable[[str], "Page"]


def create_account(page: Page, email: str) -> None:
    """From the page that asks for the address to being signed in, by way of the mailed link."""
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password (again)").fill(PASSWORD)
    page.get_by_role("button", name="Create").click()
    page.wait_for_url("**/confirm-email/")
    page.goto(mailed_link(email, "/accounts/confirm-email/"))
    page.get_by_role("button", name="Confirm").click()
    if "/login/" in page.url:
        sign_in(page, email)


def mailed_link(email: str, path: str) -> str:
    """The link below `path` in the latest mail to this address that has one."""
    bodies = [str(sent.body) for sent in mail.outbox if email in sent.to]
    links = [link for body in bodies for link in re.findall(r"https?://\S+", body) if path in link]
    assert links, f"no mail to {email} has a link to {path}: {bodies}"
    return links[-1]


def sign_in(page: Page, email: str) -> None:
    page.goto("/accounts/login/")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.locator("main").get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/login/" not in url)


def register(page: Page, *, name: str, school: str, district: str) -> None:
    """Every step of the registration, up to the order's page."""
    page.goto("/register/")
    page.get_by_role("button", name="Start registering").click()
    page.get_by_label("Name on the certificate").fill(name)
    page.get_by_role("button", name="Save and go on").click()
    page.get_by_label("School or organisation").fill(school)
    page.get_by_label("District").fill(district)
    page.get_by_label("Country").fill("United States")
    page.get_by_label("Job title").fill("Instructional coach")
    page.get_by_label("Yes").check()
    page.get_by_label("Full school years").fill("4")
    page.get_by_label("Share of your work time").fill("80")
    page.get_by_role("button", name="Save and go on").click()
    for box in page.get_by_role("checkbox").all():
        box.check()
    page.get_by_role("button", name="Save and go on").click()
    page.get_by_role("button", name="Send and go to the payment").click()
