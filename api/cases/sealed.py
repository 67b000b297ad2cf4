"""What of a case is sealed: the form, and who applied. One spelling of where it stands."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from api.vault import Vault

TABLE = "cases"
FORM = "form_sealed"
APPLICANT = "applicant_sealed"


class Applicant(Struct, frozen=True):
    """Who applies, as they stood when they did."""

    name: str | None = None
    id_number: str | None = None
    phone: str | None = None


def seal_form(vault: Vault, case_no: str, form: dict[str, Any]) -> bytes:
    """A form's answers, for `cases.form_sealed`."""
    return vault.seal(msgspec.json.encode(form), table=TABLE, column=FORM, row=case_no)


def open_form(vault: Vault, case_no: str, sealed: bytes | None) -> dict[str, Any]:
    """The answers, or none. Raises what the vault raises for a value that was moved."""
    if sealed is None:
        return {}
    opened = vault.open(sealed, table=TABLE, column=FORM, row=case_no)
    return msgspec.json.decode(opened, type=dict[str, Any])


def seal_applicant(vault: Vault, case_no: str, applicant: Applicant) -> bytes:
    """The applicant, for `cases.applicant_sealed`."""
    content = msgspec.json.encode(applicant)
    return vault.seal(content, table=TABLE, column=APPLICANT, row=case_no)


def open_applicant(vault: Vault, case_no: str, sealed: bytes | None) -> Applicant:
    """The applicant, or an empty one."""
    if sealed is None:
        return Applicant()
    opened = vault.open(sealed, table=TABLE, column=APPLICANT, row=case_no)
    return msgspec.json.decode(opened, type=Applicant)
