"""Errors of the ledger outside a request.

LedgerError
├── StoreError        the destination refuses, is slow or away
├── ShippingBusy      another process of this machine ships, compacts or rewrites
├── RowsDiffer        fewer or more rows were written than were read; nothing was deleted
├── NotAgreeing       records came in that are neither in Parquet nor waiting
├── NothingRecorded   no prompt and answer of a request, or no longer
├── ClockDoubtful     the clock says that everything is old
└── NotForgotten      a person is still found after everything was rewritten
"""

from gateway.errors import SekishoError


class LedgerError(SekishoError):
    """The root of this tree."""


class StoreError(LedgerError):
    def __init__(self, destination: str, problem: str) -> None:
        super().__init__(
            f"The ledger's destination {destination} failed: {problem} Check its address, credentials and rights "
            "(read, write, list, delete) under 'ledger' in the configuration; nothing is lost, segments stay here "
            "until they are shipped."
        )


class ShippingBusy(LedgerError):
    def __init__(self) -> None:
        super().__init__("Another process works on this ledger's files. Wait until it has ended and try again.")


class RowsDiffer(LedgerError):
    def __init__(self, what: str, read: int, written: int) -> None:
        super().__init__(
            f"{what}: {read} records were read but {written} written; nothing was deleted. Try again, and keep the "
            "files for a report if it stays so."
        )


class NotAgreeing(LedgerError):
    def __init__(self, records_in: int, accounted: int) -> None:
        super().__init__(
            f"{records_in} records came in, {accounted} are in Parquet or wait. The damaged lines are kept in "
            "ledger/damaged: a disk that loses what it was given, or somebody who edited a segment."
        )


class NothingRecorded(LedgerError):
    def __init__(self, request_id: str) -> None:
        super().__init__(
            f"No content of request '{request_id}' is here. Content is recorded only for the keys in "
            "'ledger.content.keys', kept for 'retention_days', and gone when its person was forgotten."
        )


class ClockDoubtful(LedgerError):
    def __init__(self, today: str, newest: str) -> None:
        super().__init__(
            f"This machine says that it is {today}, but the ledger's newest day is {newest}: nothing was dropped. "
            "Set the clock right; if it is, delete the old `dt=…` folders by hand once."
        )


class NotForgotten(LedgerError):
    def __init__(self, left: int) -> None:
        super().__init__(f"{left} files still name the person. Run it again; gateways may have written meanwhile.")
