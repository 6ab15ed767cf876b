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
    "or the role Privileged Role Administrator"
)

READ = Operation(needs=READS)
LOOK_UP = Operation(needs=READS, done=(MISSING,))
READ_TENANT = Operation(needs="Organization.Read.All", done=(Sign(status=403),))

UPSERT_APPLICATION = Operation(
    needs=WRITES,
    not_yet=(
        MISSING,
        Sign(status=400, says="property uniqueName already exists", repeated=True),
    ),
    taken=(Sign(status=400, says="property uniqueName already exists"),),
)
UPDATE_APPLICATION = Operation(needs=WRITES, not_yet=(MISSING,))
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

GRANT = Operation(
    needs=CONSENTS,
    done=(Sign(status=400, says="already exists"),),
    not_yet=(
        MISSING,
        Sign(status=400, says="Not a valid reference update"),
        Sign(status=400, says="reference-property objects are not present"),
    ),
)
REVOKE = Operation(needs=CONSENTS, done=(MISSING,))

GONE = Sign(status=400, says="No password credential found")

ADD_PASSWORD = Operation(needs=WRITES, not_yet=(MISSING,))
REMOVE_PASSWORD = Operation(needs=WRITES, done=(MISSING, GONE))
REMOVE_FRESH_PASSWORD = Operation(needs=WRITES, not_yet=(MISSING, GONE))
