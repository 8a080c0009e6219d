"""What an export and a log must be for other programs: a bag (RFC 8493) by the Library of Congress's bagit, and canonical JSON (RFC 8785) by
Trail of Bits' rfc8785 in all that is signed or logged. Arguments: the bag, the log's folder. Prints how much was looked at."""

import base64
import json
import logging
import pathlib
import sys

import bagit
import rfc8785

bag, log = map(pathlib.Path, sys.argv[1:])
logging.disable(logging.CRITICAL)
bagit.Bag(str(bag)).validate()


def canonical(what, signed):
    assert rfc8785.dumps(json.loads(signed)) == signed, f"{what} is not in canonical form"


receipts = sorted(bag.rglob("*.dsse.json"))
for receipt in receipts:
    canonical(receipt, base64.b64decode(json.loads(receipt.read_text())["payload"]))

leaves = 0
for bundle in filter(pathlib.Path.is_file, (log / "tile/entries").rglob("*")):
    rest = bundle.read_bytes()
    while rest:
        length = int.from_bytes(rest[:2], "big")
        canonical(bundle, rest[2 : 2 + length])
        rest, leaves = rest[2 + length :], leaves + 1
print(f"{len(receipts)} receipts, {leaves} leaves")
