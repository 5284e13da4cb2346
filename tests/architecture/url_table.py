"""Who may open what: one line for each address and method, and what each visitor is answered.

An address that is not listed fails the matrix.  A method that is not listed is refused to everybody:
a visitor is sent to sign in, others get 404, or 405 where the page is theirs.  The administration has
a rule of its own, below.

Columns:
    visitor   nobody is signed in
    owner     whose thing the address names: for `candidates:` the applicant, for `certificates:` the
              holder, for `scoring:` the scorer with the packet, for OF_SPONSORS the sponsor, else
              the candidate
    other     the same person of the other world
    candidate, sponsor, scorer, lead, staff: somebody else of that role
Answers:
    in        sent to sign in
    2xx-4xx   the status
"""

from __future__ import annotations

from dataclasses import dataclass

COLUMNS = ("visitor", "owner", "other", "candidate", "sponsor", "scorer", "lead", "staff")
SIGN_IN = "in"


@dataclass(frozen=True)
class Line:
    """One address and method with the answer for each column."""

    name: str
    method: str
    answers: dict[str, str]

    def __str__(self) -> str:
        return f"{self.method} {self.name}"


# How the names in an address are found in a world; what is not here is called the same there.
WORLD_NAMES = {
    "portfolio:receipt": {"number": "receipt"},
    "portfolio:receipt_pdf": {"number": "receipt"},
    "portfolio:receipt_list": {"number": "receipt"},
    "portfolio:add_person": {"evidence_id": "video_id"},
    "portfolio:nobody_seen": {"evidence_id": "video_id"},
    "portfolio:copy_people": {"evidence_id": "video_id"},
    "portfolio:release_form": {"form_id": "release_form_id"},
    "portfolio:remove_release_form": {"form_id": "release_form_id"},
    "portfolio:report": {"entry_id": "released_entry_id"},
    "certificates:download": {"number": "certificate"},
    "verify_number": {"number": "certificate"},
    "payments:seat": {"code": "seat_code"},
    "scoring:shown": {"link": "link_of_file"},
    "payments:purchase_order_file": {"file_id": "purchase_order_file_id"},
}

# What an address names that belongs to nobody; with None, each world says what it is called there.
SHARED = {
    "gateway": "sandbox",
    "cohort_id": None,
    "year": None,
    "slot_key": None,
    "key": "entry-2",
    "slug": "two-entry",
    "kind": "requirements",
    "version": 1,
    "part_number": 1,
    "trial_id": "00000000-0000-4000-8000-000000000001",
    "length": 65536,
    "uidb36": "1",
}

# Pages of who pays for others.
OF_SPONSORS = {
    "payments:sponsor",
    "payments:request_seats",
    "payments:sponsor_purchase_order",
    "payments:roster",
    "payments:name_seat",
    "payments:correct",
    "payments:purchase_order_file",
}

# Whoever was given the number or the reference may see what it names: that is what they are for.
SHOWN_TO_WHOEVER_KNOWS = {"payments:sandbox", "payments:seat", "payments:document_by_link", "verify_number"}

_TABLE = """
address                              method visitor owner other candidate sponsor scorer lead staff
home                                 GET   200     200   200   200       200     200    200  200
process                              GET   200     200   200   200       200     200    200  200
requirements                         GET   200     200   200   200       200     200    200  200
standards                            GET   200     200   200   200       200     200    200  200
how_scoring_works                    GET   200     200   200   200       200     200    200  200
fees                                 GET   200     200   200   200       200     200    200  200
questions                            GET   200     200   200   200       200     200    200  200
for_districts                        GET   200     200   200   200       200     200    200  200
contact                              GET   200     200   200   200       200     200    200  200
privacy                              GET   200     200   200   200       200     200    200  200
preview_text                         POST  in      404   404   404       404     404    404  404
dashboard                            GET   in      200   200   200       302     302    302  302
healthz                              GET   200     200   200   200       200     200    200  200
accounts:profile                     GET   in      200   200   200       200     200    200  200
accounts:profile                     POST  in      200   200   200       200     200    200  200
account_login                        GET   200     302   302   302       302     302    302  302
account_login                        POST  200     302   302   302       302     302    302  302
account_logout                       GET   302     200   200   200       200     200    200  200
account_logout                       POST  302     302   302   302       302     302    302  302
account_inactive                     GET   200     200   200   200       200     200    200  200
account_signup                       GET   200     302   302   302       302     302    302  302
account_signup                       POST  200     302   302   302       302     302    302  302
account_reauthenticate               GET   in      200   200   200       200     200    200  200
account_reauthenticate               POST  in      200   200   200       200     200    200  200
account_email                        GET   in      200   200   200       200     200    200  200
account_email                        POST  in      302   302   302       302     302    302  302
account_email_verification_sent      GET   200     200   200   200       200     200    200  200
account_change_password              GET   in      200   200   200       200     200    200  200
account_change_password              POST  in      200   200   200       200     200    200  200
account_set_password                 GET   in      302   302   302       302     302    302  302
account_set_password                 POST  in      302   302   302       302     302    302  302
account_reset_password               GET   200     200   200   200       200     200    200  200
account_reset_password               POST  200     200   200   200       200     200    200  200
account_confirm_login_code           GET   in      302   302   302       302     302    302  302
account_confirm_login_code           POST  in      302   302   302       302     302    302  302
account_confirm_email                GET   200     200   200   200       200     200    200  200
account_reset_password_from_key_done GET   200     200   200   200       200     200    200  200
account_reset_password_from_key      GET   200     200   200   200       200     200    200  200
account_reset_password_from_key      POST  200     200   200   200       200     200    200  200
account_reset_password_done          GET   200     200   200   200       200     200    200  200
mfa_index                            GET   in      200   200   200       200     200    200  200
mfa_authenticate                     GET   in      302   302   302       302     302    302  302
mfa_authenticate                     POST  in      302   302   302       302     302    302  302
mfa_reauthenticate                   GET   in      302   302   302       302     302    302  302
mfa_reauthenticate                   POST  in      302   302   302       302     302    302  302
mfa_activate_totp                    GET   in      302   302   302       302     302    302  302
mfa_activate_totp                    POST  in      302   302   302       302     302    302  302
mfa_deactivate_totp                  GET   in      404   404   404       404     404    404  404
mfa_view_recovery_codes              GET   in      404   404   404       404     404    404  404
mfa_generate_recovery_codes          GET   in      302   302   302       302     302    302  302
mfa_generate_recovery_codes          POST  in      302   302   302       302     302    302  302
mfa_download_recovery_codes          GET   in      404   404   404       404     404    404  404
candidates:register                  GET   200     200   200   200       403     403    403  403
candidates:start                     GET   in      302   302   302       302     302    302  302
candidates:start                     POST  in      302   302   409       403     403    403  403
candidates:resume                    GET   in      302   404   404       404     404    404  404
candidates:about                     GET   in      200   404   404       404     404    404  404
candidates:about                     POST  in      409   404   404       404     404    404  404
candidates:work                      GET   in      200   404   404       404     404    404  404
candidates:work                      POST  in      409   404   404       404     404    404  404
candidates:advisory                  GET   in      302   404   404       404     404    404  404
candidates:advisory                  POST  in      200   404   404       404     404    404  404
candidates:affirm                    GET   in      200   404   404       404     404    404  404
candidates:affirm                    POST  in      409   404   404       404     404    404  404
candidates:review                    GET   in      200   404   404       404     404    404  404
candidates:review                    POST  in      409   404   404       404     404    404  404
candidates:outcome                   GET   in      200   404   404       404     404    404  404
candidates:reopen                    GET   in      302   404   404       404     404    404  404
candidates:reopen                    POST  in      302   404   404       404     404    404  404
candidates:reminder                  GET   in      302   404   404       404     404    404  404
candidates:reminder                  POST  in      409   404   404       404     404    404  404
candidates:documents                 GET   200     200   200   200       200     200    200  200
candidates:latest_document           GET   302     302   302   302       302     302    302  302
candidates:document                  GET   200     200   200   200       200     200    200  200
payments:sandbox                     GET   200     200   200   200       200     200    200  200
payments:sandbox                     POST  200     200   200   200       200     200    200  200
payments:webhook                     GET   405     405   405   405       405     405    405  405
payments:webhook                     POST  400     400   400   400       400     400    400  400
payments:document                    GET   in      200   404   404       404     404    404  200
payments:document_by_link            GET   200     200   200   200       200     200    200  200
payments:order                       GET   in      200   404   404       404     404    404  404
payments:pay                         GET   in      302   404   404       404     404    404  404
payments:pay                         POST  in      302   404   404       404     404    404  404
payments:return                      GET   in      302   404   404       404     404    404  404
payments:purchase_order              GET   in      200   404   404       404     404    404  404
payments:purchase_order              POST  in      422   404   404       404     404    404  404
payments:claim                       GET   in      302   404   404       404     404    404  404
payments:claim                       POST  in      302   404   404       404     404    404  404
payments:give_back                   GET   in      302   404   404       404     404    404  404
payments:give_back                   POST  in      302   404   404       404     404    404  404
payments:seat                        GET   200     200   200   200       200     200    200  200
payments:sponsor                     GET   in      200   200   404       200     404    404  404
payments:request_seats               GET   in      302   302   404       302     404    404  404
payments:request_seats               POST  in      302   302   404       302     404    404  404
payments:sponsor_purchase_order      GET   in      200   404   404       404     404    404  404
payments:roster                      GET   in      302   404   404       404     404    404  404
payments:roster                      POST  in      422   404   404       404     404    404  404
payments:name_seat                    GET   in      200   404   404       404     404    404  404
payments:name_seat                    POST  in      302   404   404       404     404    404  404
payments:correct                     GET   in      200   404   404       404     404    404  404
payments:correct                     POST  in      422   404   404       404     404    404  404
payments:purchase_order_file         GET   in      200   404   404       404     404    404  200
portfolio:entries                    GET   in      200   200   200       404     404    404  404
portfolio:frameworks                 GET   200     200   200   200       200     200    200  200
portfolio:directions                 GET   200     200   200   200       200     200    200  200
portfolio:begin                      GET   in      302   302   404       404     404    404  404
portfolio:begin                      POST  in      302   302   404       404     404    404  404
portfolio:entry                      GET   in      200   404   404       404     404    404  404
portfolio:upload                     GET   in      302   404   404       404     404    404  404
portfolio:upload                     POST  in      422   404   404       404     404    404  404
portfolio:sign_upload                POST  in      422   404   404       404     404    404  404
portfolio:multipart                  GET   in      200   404   404       404     404    404  404
portfolio:multipart                  POST  in      400   404   404       404     404    404  404
portfolio:upload_state               GET   in      200   404   404       404     404    404  404
portfolio:upload_part                GET   405     405   405   405       405     405    405  405
portfolio:submit                     GET   in      200   404   404       404     404    404  404
portfolio:submit                     POST  in      422   404   404       404     404    404  404
portfolio:submit_at_close            GET   in      200   404   404       404     404    404  404
portfolio:submit_at_close            POST  in      422   404   404       404     404    404  404
portfolio:withdraw                   GET   in      302   404   404       404     404    404  404
portfolio:withdraw                   POST  in      302   404   404       404     404    404  404
portfolio:standing                   GET   in      200   404   404       404     404    404  404
portfolio:self_assessment            GET   in      200   404   404       404     404    404  404
portfolio:self_assessment            POST  in      302   404   404       404     404    404  404
portfolio:preview                    GET   in      200   404   404       404     404    404  404
portfolio:captions                   GET   in      302   404   404       404     404    404  404
portfolio:captions                   POST  in      422   404   404       404     404    404  404
portfolio:take_captions_away         GET   in      302   404   404       404     404    404  404
portfolio:take_captions_away         POST  in      404   404   404       404     404    404  404
portfolio:rendition                  GET   in      302   404   404       404     404    404  302
portfolio:move                       GET   in      302   302   302       404     404    404  404
portfolio:move                       POST  in      302   404   404       404     404    404  404
portfolio:original                   GET   in      200   404   404       404     404    404  404
portfolio:remove                     GET   in      302   302   302       404     404    404  404
portfolio:remove                     POST  in      302   404   404       404     404    404  404
portfolio:receipt                    GET   in      200   404   404       404     404    404  404
portfolio:receipt_pdf                GET   in      200   404   404       404     404    404  404
portfolio:receipt_list               GET   in      200   404   404       404     404    404  404
portfolio:consent                    GET   in      200   404   404       404     404    404  404
portfolio:add_release_form           GET   in      302   404   404       404     404    404  404
portfolio:add_release_form           POST  in      422   404   404       404     404    404  404
portfolio:remove_release_form        GET   in      302   404   404       404     404    404  404
portfolio:remove_release_form        POST  in      409   404   404       404     404    404  404
portfolio:add_person                 GET   in      200   404   404       404     404    404  404
portfolio:add_person                 POST  in      422   404   404       404     404    404  404
portfolio:nobody_seen                GET   in      302   404   404       404     404    404  404
portfolio:nobody_seen                POST  in      409   404   404       404     404    404  404
portfolio:copy_people                GET   in      302   404   404       404     404    404  404
portfolio:copy_people                POST  in      422   404   404       404     404    404  404
portfolio:person                     GET   in      200   404   404       404     404    404  404
portfolio:person                     POST  in      422   404   404       404     404    404  404
portfolio:remove_person              GET   in      302   404   404       404     404    404  404
portfolio:remove_person              POST  in      302   404   404       404     404    404  404
portfolio:release_form               GET   in      200   404   404       404     404    404  404
portfolio:rehearsal                  GET   in      200   200   200       404     404    404  404
portfolio:rehearsal_trial            POST  in      200   200   409       404     404    404  404
portfolio:rehearsal_line             GET   in      302   302   302       404     404    404  404
portfolio:rehearsal_line             POST  in      409   409   409       404     404    404  404
portfolio:rehearsal_piece            GET   405     405   405   405       405     405    405  405
portfolio:rehearsal_clip             GET   in      302   302   302       404     404    404  404
portfolio:rehearsal_clip             POST  in      422   422   409       404     404    404  404
portfolio:results                    GET   in      200   404   404       404     404    404  404
portfolio:report                     GET   in      200   404   404       404     404    404  404
portfolio:media                      GET   in      200   404   404       404     404    404  404
scoring:queue                        GET   in      200   200   404       404     200    200  404
scoring:packet                       GET   in      200   404   404       404     404    404  404
scoring:packet                       POST  in      200   404   404       404     404    404  404
scoring:save                         POST  in      302   404   404       404     404    404  404
scoring:recuse                       POST  in      302   404   404       404     404    404  404
scoring:file                         GET   in      302   404   404       404     404    404  404
scoring:shown                        GET   in      200   404   404       404     404    404  404
certificates:download                GET   in      200   404   404       404     404    404  200
verify                               GET   200     200   200   200       200     200    200  200
verify_number                        GET   200     200   200   200       200     200    200  200
demo:clock                           GET   200     200   200   200       200     200    200  200
demo:clock                           POST  200     200   200   200       200     200    200  200
"""


def table() -> list[Line]:
    """Every line of the table."""
    rows = [row.split() for row in _TABLE.strip().splitlines()[1:] if row.strip()]
    return [Line(name, method, dict(zip(COLUMNS, answers, strict=True))) for name, method, *answers in rows]
