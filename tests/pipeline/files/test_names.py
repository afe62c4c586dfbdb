"""Names: of local files, objects and web addresses, and how they are shown."""

import pytest

from duologue_pipeline.files.names import object_name, shown, sibling_uri, suffix


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("s3://bucket/take#2.wav", ("bucket", "take#2.wav")),
        ("s3://bucket/a?b=c", ("bucket", "a?b=c")),
        ("S3://bucket//a//b/", ("bucket", "/a//b/")),
        ("gs://anonymous@bucket/a%20b", ("anonymous@bucket", "a%20b")),
        ("s3://bucket", ("bucket", "")),
    ],
)
def test_a_key_is_what_follows_the_bucket_as_it_stands(uri: str, expected: tuple[str, str]) -> None:
    assert object_name(uri) == expected


@pytest.mark.parametrize(
    ("base", "uri", "expected"),
    [
        ("s3://bucket/calls#1/manifest.jsonl", "take#2.wav", "s3://bucket/calls#1/take#2.wav"),
        ("s3://bucket/calls/manifest.jsonl", "./audio/../take.wav", "s3://bucket/calls/take.wav"),
        ("s3://bucket/calls/manifest.jsonl", "../other/take.wav", "s3://bucket/other/take.wav"),
        ("s3://bucket/manifest.jsonl", "../../take.wav", "s3://bucket/take.wav"),
        ("s3://bucket/calls/manifest.jsonl", "a//b.wav", "s3://bucket/calls/a//b.wav"),
        ("s3://bucket/calls/manifest.jsonl", "S3://other/../a.wav", "S3://other/../a.wav"),
        ("/calls/manifest.jsonl", "HTTPS://host/a b.wav", "HTTPS://host/a b.wav"),
        ("/calls/manifest.jsonl", "FILE:///a.wav", "FILE:///a.wav"),
        ("/calls/manifest.jsonl", "data:audio/wav,x", "data:audio/wav,x"),
        ("/calls/manifest.jsonl", "C:\\x.wav", "C:\\x.wav"),
    ],
)
def test_a_manifest_names_what_lies_beside_it(base: str, uri: str, expected: str) -> None:
    assert sibling_uri(base, uri) == expected


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("https://anna:pw@host/a.wav?X-Amz-Signature=SECRET", "https://host/a.wav?…"),
        ("https://host/a.wav?x@y/z", "https://host/a.wav?…"),
        ("s3://key:secret@bucket/a@b?c", "s3://bucket/a@b?c"),
        ("s3://bucket/a?b", "s3://bucket/a?b"),
        ("a\nb\0c\ud800.wav", "a\\nb\\x00c\\ud800.wav"),
        ("x" * 1000, "x" * 150 + "…" + "x" * 150),
    ],
)
def test_a_uri_is_shown_on_one_line_without_what_is_secret(uri: str, expected: str) -> None:
    assert shown(uri) == expected


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("https://host/a.wav?x=.mp3", ".wav"),
        ("https://host/a?x=b.wav", ""),
        ("s3://bucket/a?x=b.wav", ".wav"),
        ("s3://bucket/a.verylongextension", ""),
        ("s3://bucket/a.b/c", ""),
        ("s3://bucket/a.wä", ""),
    ],
)
def test_a_temporary_file_has_the_extension_and_no_query(uri: str, expected: str) -> None:
    assert suffix(uri) == expected
