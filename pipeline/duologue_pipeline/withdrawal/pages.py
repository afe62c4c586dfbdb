"""Writes the readable pages beside the receipts of a release."""

from duologue_consent.proofs.receipt import ReceiptError
from duologue_consent.proofs.receipt_page import page_name, receipt_page
from duologue_pipeline.files.storage import exists, join, list_entries, read_bytes, write_bytes
from duologue_pipeline.release.strays import RECEIPT, RECEIPTS
from duologue_pipeline.withdrawal.journal import work_folder

__all__ = ["write_pages"]


def write_pages(root: str) -> None:
    """Writes the page of every receipt that has none, or another one than the receipt gives; the caller holds the lock of the folder.

    A page follows from its receipt alone. So it may be written at any time, again, and by whoever takes up what a killed
    process has left, and what somebody else has put in its place is gone after the next withdrawal.

    Args:
        root: the folder of the release.

    Raises:
        OSError: the disk or the store does not take it.
    """
    for name in list_entries(join(root, RECEIPTS)):
        if not RECEIPT.fullmatch(f"{RECEIPTS}/{name}"):
            continue
        try:
            page = receipt_page(name, read_bytes(join(root, RECEIPTS, name)))
        except ReceiptError:
            continue  # an older receipt that was edited: the verifier names it
        uri = join(root, RECEIPTS, page_name(name))
        if not exists(uri) or read_bytes(uri) != page:
            write_bytes(uri, page, work=work_folder(root))
