"""Signs PDF files as other offices do, with pyHanko, and says what pyHanko makes of them under given roots.

    incoming.py sign CASE.json                 each case: source, out, key, certificate, others, claimed, and where wanted stamp (key, certificate, others, at),
                                               lists, answers (DER files that go into the DSS)
    incoming.py judge ROOTS.pem FILE…          one JSON object a file: whether pyHanko accepts it as of its time stamp ("then") and as of today ("now"), revocation
                                               required, by what is in the file alone
"""

import json
import sys
from datetime import datetime

from asn1crypto import crl, ocsp
from pyhanko.keys import load_cert_from_pemder, load_certs_from_pemder, load_private_key_from_pemder
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import fields, signers
from pyhanko.sign.timestamps import DummyTimeStamper
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.errors import NoDSSFoundError
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore


class Claiming(signers.PdfSigner):
    """Says that it signs at a given time."""

    claimed = None

    def init_signing_session(self, *args, **kwargs):
        session = super().init_signing_session(*args, **kwargs)
        session.system_time = self.claimed
        return session


def store(paths):
    certificates = SimpleCertificateStore()
    certificates.register_multiple(load_certs_from_pemder(paths))
    return certificates


def sign(case):
    signer = signers.SimpleSigner(
        signing_cert=load_cert_from_pemder(case["certificate"]),
        signing_key=load_private_key_from_pemder(case["key"], passphrase=None),
        cert_registry=store(case["others"]),
    )
    stamper = None
    if stamp := case.get("stamp"):
        stamper = DummyTimeStamper(
            tsa_cert=load_cert_from_pemder(stamp["certificate"]),
            tsa_key=load_private_key_from_pemder(stamp["key"], passphrase=None),
            certs_to_embed=store(stamp["others"]),
            fixed_dt=datetime.fromisoformat(stamp["at"]),
        )
    about = signers.PdfSignatureMetadata(field_name="S1", subfilter=fields.SigSeedSubFilter.PADES, md_algorithm="sha256")
    pdf_signer = Claiming(about, signer=signer, timestamper=stamper)
    pdf_signer.claimed = datetime.fromisoformat(case["claimed"])
    with open(case["source"], "rb") as source, open(case["out"], "w+b") as out:
        pdf_signer.sign_pdf(IncrementalPdfFileWriter(source), output=out)
        if case.get("lists") or case.get("answers"):
            read = lambda path: open(path, "rb").read()
            contents = PdfFileReader(out).embedded_signatures[0].pkcs7_content
            DocumentSecurityStore.add_dss(
                out,
                sig_contents=contents,
                certs=load_certs_from_pemder(case["others"]),
                crls=[crl.CertificateList.load(read(path)) for path in case.get("lists", [])],
                ocsps=[ocsp.OCSPResponse.load(read(path)) for path in case.get("answers", [])],
            )


def judge(roots, name):
    trust = {"trust_roots": list(load_certs_from_pemder([roots])), "allow_fetching": False, "revocation_mode": "require"}
    with open(name, "rb") as file:
        reader = PdfFileReader(file)
        signature = reader.embedded_regular_signatures[0]

        def ask(**when):
            try:
                context = DocumentSecurityStore.read_dss(reader).as_validation_context({**trust, **when})
            except NoDSSFoundError:
                context = ValidationContext(**{**trust, "revocation_mode": "soft-fail"}, **when)
            return validate_pdf_signature(signature, context)

        now = ask()
        stamp = now.timestamp_validity
        proven = stamp is not None and stamp.intact and stamp.valid and stamp.trusted
        # What was made known later tells of that time too.
        then = proven and ask(moment=stamp.timestamp, retroactive_revinfo=True).bottom_line
        return {"proven": proven, "then": then, "now": now.bottom_line}


if sys.argv[1] == "sign":
    with open(sys.argv[2], encoding="utf-8") as cases:
        for case in json.load(cases):
            sign(case)
else:
    for name in sys.argv[3:]:
        print(json.dumps(judge(sys.argv[2], name)), flush=True)
