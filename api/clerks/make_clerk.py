"""Makes a clerk: password hashed, authenticator secret sealed, both shown to nobody again."""

from __future__ import annotations

import pyotp

from api.audit import note
from api.clerks import queries
from api.clerks.schemas import ClerkAnswer, NewClerk, NewClerkBody
from api.clerks.sign_in import hash_password
from api.database import Database
from api.errors import Conflict, FieldError, ValidationFailed
from api.vault import Vault

ISSUER = "掌办"
# Who makes clerks could give themselves any right: so they handle nothing and see no trail. Who
# gives money back neither decides what is owed nor checks the trail of it.
_ALONE = {
    "administrator": ("账号管理员不能兼任其他角色。", "An administrator has no other role."),
    "cashier": ("出纳不能兼任其他角色。", "A cashier has no other role."),
}


class ClerkExists(Conflict):
    """已有同名的工作人员账号。"""

    code = "clerk_exists"
    english = "There is a clerk of that name already."


async def make_clerk(
    database: Database, vault: Vault, body: NewClerkBody, *, actor: str
) -> NewClerk:
    """Raises ClerkExists, and ValidationFailed where roles are mixed that must stay apart."""
    _check_roles(body)
    password_hash = await hash_password(body.password)
    secret = pyotp.random_base32()
    sealed = vault.seal(secret, table="clerks", column="totp_sealed", row=body.user)
    async with database.transaction() as connection:
        made = await queries.store_clerk(
            connection,
            user_name=body.user,
            name=body.name,
            password_hash=password_hash,
            totp_sealed=sealed,
            roles=sorted(set(body.roles)),
            service_prefixes=body.service_prefixes,
            region_prefixes=body.region_prefixes,
        )
        if made is None:
            raise ClerkExists()
        await note(
            connection,
            actor=actor,
            action="clerk.made",
            subject=f"clerk:{body.user}",
            details={"roles": sorted(set(body.roles))},
        )
    who = ClerkAnswer(
        body.user, body.name, sorted(set(body.roles)), body.service_prefixes, body.region_prefixes
    )
    address = pyotp.TOTP(secret).provisioning_uri(name=body.user, issuer_name=ISSUER)
    return NewClerk(who, secret, address)


def _check_roles(body: NewClerkBody) -> None:
    for role, words in _ALONE.items():
        if role in body.roles and len(set(body.roles)) > 1:
            raise ValidationFailed(errors=[FieldError("roles", "roles_apart", *words)])
