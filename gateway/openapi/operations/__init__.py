"""Every operation of `/v1/me/…` and `/admin/…`: the rows of the description.

A new route needs a row here; tests compare rows with routes, and each answer with the row's struct.
"""

from gateway.openapi.operation import Operation
from gateway.openapi.operations.admin import ADMIN
from gateway.openapi.operations.own import ME

OPERATIONS: tuple[Operation, ...] = (*ME, *ADMIN)
