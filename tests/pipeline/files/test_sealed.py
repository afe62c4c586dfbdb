"""Addresses with a secret are told from others, and lie in files only sealed."""

import pytest

from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.sealed import holds_secret, seal, unseal, without_secrets

SECRET = [
    "https://host/a.wav?X-Amz-Signature=12&x=y",
    "http://user:word@host/a.wav",
    "HTTPS://user@host/a.wav",
    "s3://KEY:SECRET@bucket/a.wav",
    "ftp://user:word@host/a",
]
OPEN = [
    "https://host/a.wav",
    "s3://bucket/what?.wav",
    "gs://anonymous@bucket/a@b.wav",
    "/data/a@b?.wav",
    "file:///a?b",
    "gs://b/k@2",
]


@pytest.mark.parametrize("uri", SECRET)
def test_what_may_hold_a_secret_is_sealed_and_comes_back(uri: str) -> None:
    assert holds_secret(uri)
    sealed = seal(uri)
    assert sealed.startswith("sealed:")
    assert unseal(sealed) == uri
    assert seal(uri) != sealed, "the same address does not show as the same"


@pytest.mark.parametrize("uri", OPEN)
def test_what_holds_none_stays_as_it_is(uri: str) -> None:
    assert not holds_secret(uri)
    assert seal(uri) == uri
    assert unseal(uri) == uri


def test_a_name_that_looks_sealed_is_sealed_itself() -> None:
    assert unseal(seal("sealed:x")) == "sealed:x"


def test_with_the_key_of_another_run_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    sealed = seal(SECRET[0])
    monkeypatch.setenv("DUOLOGUE_ADDRESS_KEY", "00" * 32)
    with pytest.raises(UsageError, match="sealed by another run; run the command again"):
        unseal(sealed)


def test_a_text_is_told_without_them() -> None:
    told = without_secrets(f"{SECRET[0]} and {SECRET[1]}, not {OPEN[0]}")
    assert told == f"https://host/a.wav?… and http://host/a.wav, not {OPEN[0]}"
