"""What pyHanko says of the signatures in PDF files: one JSON object a file. Usage: validate.py ROOT.pem FILE…"""

import asyncio
import json
import sys

from pyhanko.keys import load_cert_from_pemder
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades.report import AdESStatus
from pyhanko.sign.validation import ades, validate_pdf_signature, validate_pdf_timestamp
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.policy_decl import PdfSignatureValidationSpec, SignatureValidationSpec
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.policy_decl import REQUIRE_REVINFO, CertRevTrustPolicy
from pyhanko_certvalidator.registry import SimpleTrustManager


def about(signature, root):
    if signature.sig_object_type == "/DocTimeStamp":
        status = validate_pdf_timestamp(signature, ValidationContext(trust_roots=[root]))
        return {
            "field": signature.field_name, "kind": "timestamp", "signer": status.signing_cert.subject.native.get("common_name"), "good": status.intact and status.valid and status.trusted,
            "coverage": status.coverage.name,
        }
    status = validate_pdf_signature(signature, ValidationContext(trust_roots=[root]))
    stamp = status.timestamp_validity
    return {
        "field": signature.field_name,
        "kind": "signature",
        "good": status.bottom_line,
        "coverage": status.coverage.name,
        "changes": status.modification_level.name if status.modification_level else None,
        "docmdp": signature.docmdp_level.value if signature.docmdp_level else None,
        "signer": status.signing_cert.subject.native.get("common_name"),
        "mechanism": status.pkcs7_signature_mechanism,
        "stamped": bool(stamp and stamp.intact and stamp.valid and stamp.trusted),
    }


def archival(signature, root):
    """ETSI EN 319 102-1 5.6, revocation required: nothing is fetched, all proofs are in the file."""
    trust = SimpleTrustManager.build(trust_roots=[root])
    policy = CertValidationPolicySpec(
        trust_manager=trust, revinfo_policy=CertRevTrustPolicy(revocation_checking_policy=REQUIRE_REVINFO)
    )
    spec = PdfSignatureValidationSpec(SignatureValidationSpec(cert_validation_policy=policy))
    result = asyncio.run(ades.ades_lta_validation(signature, spec))
    return str(result.ades_subindic)


root = load_cert_from_pemder(sys.argv[1])
for name in sys.argv[2:]:
    with open(name, "rb") as file:
        reader = PdfFileReader(file, strict=True)
        found = list(reader.embedded_signatures)
        told = {"signatures": [about(signature, root) for signature in found]}
        regular = list(reader.embedded_regular_signatures)
        if regular and "/DSS" in reader.root:
            told["archival"] = [archival(signature, root) for signature in regular]
            certificates = DocumentSecurityStore.read_dss(reader).load_certs()
            told["stored"] = [certificate.subject.native.get("common_name") for certificate in certificates]
        print(json.dumps(told), flush=True)
