"""Describes the types of a sample's members in the words of the Hugging Face Hub.

``datasets`` otherwise infers them from the first five samples, and fails at a later one with words if those have none.
"""

from collections.abc import Mapping
from typing import Any, Final

from duologue_schemas import load_schema

__all__ = ["sample_features"]

_DTYPES: Final = {"string": "string", "integer": "int64", "number": "float64", "boolean": "bool"}


def sample_features(*, include_audio: bool) -> list[dict[str, Any]]:
    """Lists the ``features`` of ``dataset_info`` for the shards: KEY.json by its schema, the codes, the audio."""
    schema = load_schema("sample")
    features = [
        {"name": "json", **_feature(schema, schema)},
        {"name": "codes.npy", "list": {"list": {"list": "uint16"}}},
        {"name": "__key__", "dtype": "string"},
        {"name": "__url__", "dtype": "string"},
    ]
    if include_audio:
        features.insert(2, {"name": "flac", "dtype": "audio"})
    return features


def _feature(root: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    if "enum" in schema or "const" in schema:
        return {"dtype": "string"}
    if schema["type"] == "object":
        return {"struct": [{"name": name, **_feature(root, part)} for name, part in schema["properties"].items()]}
    if schema["type"] == "array":
        # In YAML a list of a plain type names the type alone, a list of structs the fields alone.
        item = _feature(root, schema["items"])
        return {"list": item.get("dtype") or item["struct"]}
    return {"dtype": _DTYPES[schema["type"]]}
