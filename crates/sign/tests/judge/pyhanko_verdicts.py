"""Asks pyHanko for its verdict on every signature of the PDFs named on standard input: one line a signature, tab-separated, as
file, field, verdict. Nobody is trusted and nothing is fetched: what is compared is what the bytes say."""

import logging
import sys
import warnings

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)

from pyhanko.pdf_utils.reader import PdfFileReader  # noqa: E402
from pyhanko.sign.validation import validate_pdf_signature, validate_pdf_timestamp  # noqa: E402
from pyhanko_certvalidator import ValidationContext  # noqa: E402


def verdict(signature):
    context = ValidationContext(trust_roots=[], allow_fetching=False, weak_hash_algos=set())
    is_stamp = signature.sig_object.get("/Type") == "/DocTimeStamp"
    try:
        status = (validate_pdf_timestamp if is_stamp else validate_pdf_signature)(signature, context)
    except Exception as error:
        return "error " + type(error).__name__
    level = status.modification_level
    words = [
        "intact" if status.intact else "digest differs",
        "signed" if status.valid else "signature differs",
        status.coverage.name.lower(),
        level.name.lower() if level is not None else "no level",
        "permitted" if status.docmdp_ok in (True, None) else "not permitted",
    ]
    return ", ".join(words)


for path in sys.stdin.read().splitlines():
    try:
        with open(path, "rb") as file:
            reader = PdfFileReader(file, strict=False)
            if reader.encrypted:
                try:
                    reader.decrypt("")
                except Exception:
                    pass
            signatures = list(reader.embedded_signatures)
            for signature in signatures:
                print(path, signature.field_name, verdict(signature), sep="\t")
            if not signatures:
                print(path, "", "no signature", sep="\t")
    except Exception as error:
        print(path, "", "unreadable " + type(error).__name__, sep="\t")
