"""Signs an exported audio file with Content Credentials (C2PA) that say what it may be used for, and reads them back.

By c2pa-python, the extra ``c2pa``; key and certificates are the user's. What is signed says where nothing came from: the file before
is its parent, and ``cawg.training-mining`` is all that is added. A signature holds random numbers and times, so a signed file is not
the same twice, and none lies in a release. Source: C2PA Technical Specification 2 (spec.c2pa.org); formats as c2pa-python takes them, which
leaves out Ogg.
"""

import io
import json
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from duologue_cards.documents.training_mining import TRAINING_MINING
from duologue_pipeline.errors import UsageError
from duologue_pipeline.made_by import MADE_BY

__all__ = ["CREDENTIAL_FORMATS", "read_credentials", "sign_audio"]

CREDENTIAL_FORMATS: Final = {".wav": "audio/wav", ".mp3": "audio/mpeg", ".flac": "audio/flac", ".m4a": "audio/mp4"}
"""Ending of a file -> its media type."""

_USES: Final = ("allowed", "notAllowed", "constrained")
_CURVES: Final = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}


def sign_audio(audio: bytes, name: str, assertion: Mapping[str, Any], *, key: bytes, certificates: bytes) -> bytes:
    """Signs an audio file.

    Args:
        audio: the content of the file.
        name: of the file; its ending names the format.
        assertion: the data of ``cawg.training-mining`` (:mod:`duologue_cards.documents.training_mining`).
        key: the private key in PEM, without a password.
        certificates: its certificate in PEM, and those up to the root behind it.

    Returns:
        The content of the signed file; the sound in it is the same.

    Raises:
        UsageError: the format is none of these, key and certificate do not belong together or are none that C2PA allows, or the file is
            damaged.
        ModuleNotFoundError: c2pa-python is not installed.
    """
    import c2pa

    media_type = _media_type(name)
    algorithm = getattr(c2pa.C2paSigningAlg, _algorithm(key, certificates))
    program, _, version = MADE_BY.partition(" ")
    manifest = {
        "claim_generator_info": [{"name": program, "version": version}],
        "assertions": [{"label": TRAINING_MINING, "data": dict(assertion)}],
    }
    signed = io.BytesIO()
    try:
        info = c2pa.C2paSignerInfo(alg=algorithm, sign_cert=certificates, private_key=key, ta_url=None)
        with c2pa.Signer.from_info(info) as signer, c2pa.Builder(manifest) as builder:
            builder.set_intent(c2pa.C2paBuilderIntent.EDIT)
            builder.sign(signer, media_type, io.BytesIO(audio), signed)
    except c2pa.C2paError as error:
        raise UsageError(
            f"{name}: cannot be signed ({error}); it has to be a whole {media_type} file, and the certificate one for signing "
            "with its issuers behind it"
        ) from None
    state, entries = read_credentials(signed.getvalue(), name)
    if state == "Invalid" or entries != assertion["entries"]:
        raise UsageError(
            f"{name}: what was signed does not read back ({state}); nothing is written, try another certificate"
        )
    return signed.getvalue()


def read_credentials(audio: bytes, name: str) -> tuple[str, dict[str, Any]]:
    """Reads what the credentials of an audio file allow.

    Args:
        audio: the content of the file.
        name: of the file; its ending names the format.

    Returns:
        ``Valid`` where the file is as it was signed, ``Trusted`` where a list of known issuers has the signer too, else ``Invalid``; and
        the entries of ``cawg.training-mining``, empty where it says nothing.

    Raises:
        UsageError: the file has no credentials, or what they say cannot be read or is said twice.
        ModuleNotFoundError: c2pa-python is not installed.
    """
    import c2pa

    try:
        with c2pa.Reader(_media_type(name), io.BytesIO(audio)) as reader:
            document = json.loads(reader.json())
    except c2pa.C2paError as error:
        raise UsageError(f"{name}: has no content credentials that can be read ({error})") from None
    active = document["manifests"][document["active_manifest"]]
    found = [each["data"] for each in active.get("assertions", []) if each["label"].split("__")[0] == TRAINING_MINING]
    if len(found) > 1:
        raise UsageError(f"{name}: says {len(found)} times what it may be used for; ask who signed it which counts")
    return document.get("validation_state", "Invalid"), _entries(found[0], name) if found else {}


def _entries(data: Any, name: str) -> dict[str, Any]:
    """Reads the entries of an assertion, which anybody may have written."""
    entries = data.get("entries", {}) if isinstance(data, dict) else None
    if not isinstance(entries, dict) or not all(
        isinstance(each, dict) and each.get("use") in _USES and isinstance(each.get("constraint_info", ""), str)
        for each in entries.values()
    ):
        raise UsageError(
            f"{name}: what it says of training and data mining is no {TRAINING_MINING} 1.1; ask who signed it"
        )
    return entries


def _media_type(name: str) -> str:
    found = CREDENTIAL_FORMATS.get(PurePath(name).suffix.lower())
    if found is None:
        raise UsageError(
            f"{name}: expected a name that ends in {', '.join(CREDENTIAL_FORMATS)}; C2PA has no place in others"
        )
    return found


def _algorithm(key: bytes, certificates: bytes) -> str:
    """Finds the algorithm of a key, and checks that the first certificate is of it."""
    try:
        private = load_pem_private_key(key, password=None)
    except (TypeError, ValueError) as error:
        raise UsageError(f"the key is no private key in PEM without a password ({error})") from None
    try:
        chain = x509.load_pem_x509_certificates(certificates)
    except ValueError as error:
        raise UsageError(f"the certificates are none in PEM ({error})") from None
    if chain[0].public_key() != private.public_key():
        raise UsageError(
            "the first certificate is not of this key; put that of the key first, and its issuers behind it"
        )
    match private:
        case ec.EllipticCurvePrivateKey() if private.curve.name in _CURVES:
            return _CURVES[private.curve.name]
        case ed25519.Ed25519PrivateKey():
            return "ED25519"
        case rsa.RSAPrivateKey():
            return "PS256"
    raise UsageError("the key is none that C2PA signs with; take P-256, P-384, P-521, Ed25519 or RSA")
