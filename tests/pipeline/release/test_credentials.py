"""Content Credentials of an exported file: what consent allows goes in and comes out, and the sound stays the same."""

import datetime
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from typer.testing import CliRunner

from duologue_cards.documents.training_mining import training_mining
from duologue_pipeline.cli.app import app
from duologue_pipeline.errors import UsageError
from duologue_pipeline.release import credentials
from duologue_pipeline.release.credentials import read_credentials, sign_audio
from tests.cards.conftest import make_release, make_row, sheet_of

Key = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
DAYS = datetime.datetime(2026, 1, 1), datetime.datetime(2046, 1, 1)


def certificate(key: Key, of: str, issuer: ec.EllipticCurvePrivateKey, *, is_root: bool) -> bytes:
    """A certificate in PEM, as C2PA wants them: the signer's for signing mail and nothing else."""
    subject, root = (x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, name)]) for name in (of, "Example Root"))
    usage = x509.KeyUsage(not is_root, False, False, False, False, is_root, is_root, False, False)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(root)
        .public_key(key.public_key())
        .serial_number(1 if is_root else 2)
        .not_valid_before(DAYS[0])
        .not_valid_after(DAYS[1])
        .add_extension(x509.BasicConstraints(is_root, None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key()), critical=False)
    )
    if not is_root:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
    return builder.sign(issuer, hashes.SHA256()).public_bytes(Encoding.PEM)


def signer(key: Key) -> dict[str, bytes]:
    """Key and chain of somebody who signs."""
    root = ec.generate_private_key(ec.SECP256R1())
    chain = certificate(key, "Example Lab", root, is_root=False) + certificate(root, "Example Root", root, is_root=True)
    return {"key": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), "certificates": chain}


def audio(ending: str) -> bytes:
    """A second of two tracks of noise."""
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).normal(0, 0.1, (8000, 2)).clip(-1, 1)
    soundfile.write(buffer, noise, 8000, format=ending.removeprefix("."))
    return buffer.getvalue()


def assertion(*purposes: str) -> dict[str, Any]:
    release = make_release(make_row("1", license="CC-BY-NC-4.0"))
    release.document["purposes"] = list(purposes)
    return training_mining(sheet_of(release))


@pytest.mark.parametrize(
    ("purposes", "use", "says"),
    [
        (("recording",), "notAllowed", None),
        (("training_inhouse",), "constrained", "the holder of the ledger only"),
        (
            ("redistribution", "training_inhouse"),
            "constrained",
            "not for speaker_identification, likeness; licences: no commercial use",
        ),
    ],
)
def test_training_is_constrained_to_the_purposes_and_all_else_is_not_allowed(
    purposes: tuple[str, ...], use: str, says: str | None
) -> None:
    entries = assertion(*purposes)["entries"]
    assert {name: entry["use"] for name, entry in entries.items()} == {
        "cawg.ai_generative_training": use,
        "cawg.ai_inference": "notAllowed",
        "cawg.ai_training": use,
        "cawg.data_mining": "notAllowed",
    }
    assert says is None or says in entries["cawg.ai_training"]["constraint_info"]


@pytest.mark.parametrize("ending", [".wav", ".flac", ".mp3"])
@pytest.mark.parametrize(
    "make",
    [lambda: ec.generate_private_key(ec.SECP256R1()), ed25519.Ed25519PrivateKey.generate],
    ids=["p256", "ed25519"],
)
def test_what_is_signed_reads_back_and_sounds_the_same(ending: str, make: Callable[[], Key]) -> None:
    pytest.importorskip("c2pa")
    plain, wanted = audio(ending), assertion("training_inhouse")
    signed = sign_audio(plain, f"call{ending}", wanted, **signer(make()))
    assert read_credentials(signed, f"call{ending}") == ("Valid", wanted["entries"])
    before, after = (soundfile.read(io.BytesIO(data))[0] for data in (plain, signed))
    assert np.array_equal(before, after)


def test_a_file_that_was_changed_after_it_was_signed_is_told_apart() -> None:
    pytest.importorskip("c2pa")
    signed = bytearray(sign_audio(audio(".wav"), "a.wav", assertion("training_inhouse"), **signer(new_key())))
    signed[100] ^= 1
    assert read_credentials(bytes(signed), "a.wav")[0] == "Invalid"


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ([{"entries": [1]}], "is no cawg.training-mining 1.1"),
        ([{"entries": {"cawg.data_mining": {}}}], "is no cawg.training-mining 1.1"),
        ([{"entries": {"cawg.data_mining": "allowed"}}], "is no cawg.training-mining 1.1"),
        ([{"entries": {"cawg.data_mining": {"use": "\x1b[31mallowed"}}}], "is no cawg.training-mining 1.1"),
        ([{"entries": {"cawg.data_mining": {"use": use}}} for use in ("notAllowed", "allowed")], "says 2 times"),
    ],
)
def test_what_another_has_signed_wrongly_is_said_and_not_shown(
    tmp_path: Path, said: list[dict[str, Any]], message: str
) -> None:
    c2pa = pytest.importorskip("c2pa")
    own = signer(new_key())
    info = c2pa.C2paSignerInfo(
        alg=c2pa.C2paSigningAlg.ES256, sign_cert=own["certificates"], private_key=own["key"], ta_url=None
    )
    manifest = {
        "claim_generator_info": [{"name": "other", "version": "1"}],
        "assertions": [{"label": "cawg.training-mining", "data": data} for data in said],
    }
    signed = io.BytesIO()
    with c2pa.Signer.from_info(info) as key, c2pa.Builder(manifest) as builder:
        builder.set_intent(c2pa.C2paBuilderIntent.EDIT)
        builder.sign(key, "audio/wav", io.BytesIO(audio(".wav")), signed)
    (tmp_path / "a.wav").write_bytes(signed.getvalue())
    read = CliRunner().invoke(app, ["card", "read", str(tmp_path / "a.wav")])
    assert (read.exit_code, read.stdout, message in " ".join(read.stderr.split())) == (2, "", True)


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@pytest.mark.parametrize(
    ("name", "content", "change", "says"),
    [
        ("a.ogg", None, {}, r"a\.ogg: expected a name that ends in \.wav, \.mp3, \.flac, \.m4a"),
        ("a.wav", b"no audio", {}, r"a\.wav: cannot be signed"),
        ("a.wav", None, {"key": b"secret"}, r"the key is no private key in PEM without a password"),
        ("a.wav", None, {"certificates": b"none"}, r"the certificates are none in PEM"),
        ("a.wav", None, {"key": signer(new_key())["key"]}, r"the first certificate is not of this key"),
    ],
)
def test_what_cannot_be_signed_is_said(name: str, content: bytes | None, change: dict[str, bytes], says: str) -> None:
    pytest.importorskip("c2pa")
    with pytest.raises(UsageError, match=says):
        sign_audio(content or audio(".wav"), name, assertion("training_inhouse"), **{**signer(new_key()), **change})


def test_a_file_without_credentials_is_said_to_have_none() -> None:
    pytest.importorskip("c2pa")
    with pytest.raises(UsageError, match=r"a\.wav: has no content credentials"):
        read_credentials(audio(".wav"), "a.wav")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """An exported file, and who signs."""
    (tmp_path / "call.wav").write_bytes(audio(".wav"))
    for name, data in signer(new_key()).items():
        (tmp_path / name).write_bytes(data)
    return tmp_path


def test_without_the_extra_the_command_says_what_to_install(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object) -> None:
        raise ModuleNotFoundError("No module named 'c2pa'", name="c2pa")

    monkeypatch.setattr(credentials, "read_credentials", missing)
    result = CliRunner().invoke(app, ["card", "read", str(files / "call.wav")])
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == 'duologue: c2pa is not installed; this command needs `pip install "duologue[c2pa]"`\n'


def test_the_commands_sign_and_read(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("c2pa")
    sheet = sheet_of(make_release(make_row("1")))
    monkeypatch.setattr("duologue_pipeline.release.card_files.release_sheet", lambda _: ({}, sheet))
    wanted = ["card", "sign", "out", str(files / "call.wav")]
    options = ["--key", str(files / "key"), "--certificates", str(files / "certificates"), "--out"]
    done = CliRunner().invoke(app, [*wanted, *options, str(files / "signed.wav")])
    assert (done.exit_code, done.stdout) == (0, f"{files / 'signed.wav'}: signed; training: constrained\n")
    again = CliRunner().invoke(app, [*wanted, *options, str(files / "signed.wav")])
    assert (again.exit_code, "is there already" in again.stderr) == (2, True)
    other = CliRunner().invoke(app, [*wanted, *options, str(files / "signed.flac")])
    assert (other.exit_code, "expected a name that ends as" in other.stderr) == (2, True)
    read = CliRunner().invoke(app, ["card", "read", str(files / "signed.wav")])
    assert read.exit_code == 0
    assert "cawg.data_mining: notAllowed\n" in read.stdout
    assert read.stdout.count("constrained (Training by the holder of the ledger only") == 2
