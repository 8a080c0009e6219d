"""A clerk's signing program on another computer: makes a PAdES CMS for a digest. Usage: sign_elsewhere.py KEY CERT CA DIGEST OUT"""

import asyncio
import sys

from pyhanko.sign import signers

key, certificate, ca, digest, out = sys.argv[1:]
signer = signers.SimpleSigner.load(key, certificate, ca_chain_files=(ca,))
cms = asyncio.run(signer.async_sign(bytes.fromhex(digest), "sha256", use_pades=True))
with open(out, "wb") as file:
    file.write(cms.dump())
