"""The kinds of requests: what permission each needs, which refusals mean something of their own.

The signs stand in the order of the writes they follow; see "Eventual consistency" in
https://learn.microsoft.com/entra/architecture/architecture.
"""

from __future__ import annotations

from provision.graph.refusals import Operation, Sign

MISSING = Sign(status=404)
"""What was asked for is not there: not yet, or no longer."""

READS = "Application.Read.All (or Application.ReadWrite.OwnedBy)"
WRITES = (
    "Application.ReadWrite.OwnedBy (for applications of its own) or Application.ReadWrite.All, "
    "or the role Application Administrator"
)
CONSENTS = (
    "AppRoleAssignment.ReadWrite.All and Application.Read.All, "
    "or the role Privileged Role Administrator or Global Administrator "
    "(for app roles of other APIs than Microsoft Graph, Application Administrator will do)"
)
DELEGATED_CONSENTS = (
    "DelegatedPermissionGrant.ReadWrite.All, "
    "or the role Cloud Application Administrator or Application Administrator"
)
READS_CONSENTS = "DelegatedPermissionGrant.ReadWrite.All or Directory.Read.All"
OWNS = (
    "Directory.Read.All and either Application.ReadWrite.OwnedBy (for applications of its own) "
    "or Application.ReadWrite.All, or the role Application Administrator"
)
PEOPLE = "User.Read.All or Directory.Read.All (an owner's object id needs neither)"

READ = Operation(needs=READS)
LOOK_UP = Operation(needs=READS, done=(MISSING,))
READ_TENANT = Operation(needs="Organization.Read.All", done=(Sign(status=403),))
READ_POLICY = Operation(
    needs="Policy.Read.All or Policy.Read.ApplicationConfiguration",
    done=(Sign(status=403), MISSING),
)

NAME_TAKEN = "property uniqueName already exists"
URI_TAKEN = Sign(status=400, says="property identifierUris already exists")
WRITTEN = (
    (
        URI_TAKEN,
        "Another application holds that identifier URI, perhaps a deleted one: choose another, "
        "or purge that application.",
    ),
    (
        Sign(status=400, says="HostNameNotOnVerifiedDomain"),
        "Use api://{appId}, or a domain that the tenant has verified.",
    ),
)
"""What to do about refused properties."""

UPSERT_APPLICATION = Operation(
    needs=WRITES,
    not_yet=(
        MISSING,
        Sign(status=400, says=NAME_TAKEN, repeated=True),
        Sign(status=400, says=URI_TAKEN.says, repeated=True),
    ),
    taken=(Sign(status=400, says=NAME_TAKEN), URI_TAKEN),
    hints=WRITTEN,
)
UPDATE_APPLICATION = Operation(needs=WRITES, not_yet=(MISSING,), taken=(URI_TAKEN,), hints=WRITTEN)
UPDATE_ENTITLEMENTS = Operation(
    needs=WRITES,
    not_yet=(
        MISSING,
        # A replica still has as enabled what was switched off a moment ago.
        Sign(status=400, says="CannotDeleteOrUpdateEnabledEntitlement"),
        # Or does not have the scope yet that the same application was given a moment ago.
        Sign(status=400, says="preAuthorizedApplications.delegatedPermissionIds"),
    ),
    taken=(URI_TAKEN,),
    hints=WRITTEN,
)
UPDATE_KEYS = Operation(
    needs=WRITES,
    not_yet=(
        MISSING,
        # An entry that was sent back without its certificate is gone by now: the list was an old one.
        Sign(status=400, says="A value is required for property 'key' of resource 'KeyCredential'"),
        # Or one that was sent with it is there already.
        Sign(status=400, says="Update to existing credential with KeyId"),
    ),
    hints=(
        (
            Sign(status=400, says="KeyCredentialsInvalidEndDate"),
            "A certificate cannot be trusted for longer than it is valid itself, nor when it has "
            "expired: renew it.",
        ),
    ),
)
DELETE_APPLICATION = Operation(needs=WRITES, done=(MISSING,))

RESTORE = Operation(needs=WRITES, done=(Sign(status=404, repeated=True),), not_yet=(MISSING,))
PURGE = Operation(
    needs="Application.ReadWrite.All",
    done=(Sign(status=404, repeated=True),),
    not_yet=(MISSING,),
)

CREATE_SERVICE_PRINCIPAL = Operation(
    needs=WRITES,
    done=(Sign(status=409, says="Request_MultipleObjectsWithSameKeyValue"),),
    not_yet=(
        MISSING,
        Sign(status=400, says="NoBackingApplicationObject"),
        Sign(status=400, says="does not reference a valid application object"),
        # The words of a missing permission, but said as well while the application replicates.
        Sign(status=403, says="backing application of the service principal being created must"),
    ),
)

CREATE_RESOURCE_PRINCIPAL = Operation(
    needs=WRITES,
    done=(Sign(status=409, says="Request_MultipleObjectsWithSameKeyValue"),),
    not_yet=(MISSING,),
)

UPDATE_SERVICE_PRINCIPAL = Operation(needs=WRITES, not_yet=(MISSING,))

READ_PERSON = Operation(needs=PEOPLE)
ADD_OWNER = Operation(
    needs=OWNS,
    done=(Sign(status=400, says="added object references already exist"),),
    not_yet=(MISSING,),
    hints=(
        (
            Sign(status=403, says="forward-link 'owners'"),
            "It has 100 owners, which is the most that there can be: remove one of them.",
        ),
    ),
)

NO_ENDS = (
    MISSING,
    Sign(status=400, says="Not a valid reference update"),
    Sign(status=400, says="reference-property objects are not present"),
)
"""One end of a grant is not there yet."""

GRANT = Operation(needs=CONSENTS, done=(Sign(status=400, says="already exists"),), not_yet=NO_ENDS)
REVOKE = Operation(needs=CONSENTS, done=(MISSING,))

READ_GRANTS = Operation(needs=READS_CONSENTS, not_yet=(MISSING,))
GRANT_SCOPES = Operation(
    needs=DELEGATED_CONSENTS,
    done=(
        Sign(status=400, says="Permission entry already exists"),
        Sign(status=409, says="Request_MultipleObjectsWithSameKeyValue"),
    ),
    not_yet=NO_ENDS,
)
SET_SCOPES = Operation(needs=DELEGATED_CONSENTS, not_yet=(MISSING,))
DELETE_GRANT = Operation(needs=DELEGATED_CONSENTS, done=(MISSING,))

SAME_SUBJECT = (
    "Another federated credential of the application has the same name, or the same issuer and "
    "subject: remove that one, or change this one's."
)
ALIKE = (
    Sign(status=409, says="Request_MultipleObjectsWithSameKeyValue"),
    Sign(status=400, says="issuer and subject must be unique"),
)
FEDERATE = Operation(
    needs=WRITES,
    not_yet=(MISSING,),
    taken=ALIKE,
    hints=(
        *((sign, SAME_SUBJECT) for sign in ALIKE),
        (
            Sign(status=403, says="has exceeded its limit"),
            "An application takes 20 federated credentials at most: remove one that is no longer "
            "used, or spread the subjects over two applications.",
        ),
    ),
)
REMOVE_FEDERATED = Operation(needs=WRITES, done=(MISSING,))

GONE = Sign(status=400, says="No password credential found")

ADD_PASSWORD = Operation(needs=WRITES, not_yet=(MISSING,))
REMOVE_PASSWORD = Operation(needs=WRITES, done=(MISSING, GONE))
REMOVE_FRESH_PASSWORD = Operation(needs=WRITES, not_yet=(MISSING, GONE))
