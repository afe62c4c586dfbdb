"""Defines the formats of the manifest, of the words files and of a release's files, and checks documents against them.

Each format is one JSON Schema (2020-12) in this folder. :mod:`duologue_schemas.tables` holds the column schemas of the
Parquet tables; it is the only module that needs pyarrow and is not imported here.
"""

from duologue_schemas.faults import SCHEMA_NAMES, Fault, iter_faults, load_schema
from duologue_schemas.manifest import LineFault, parse_manifest_line, validate_manifest_lines
from duologue_schemas.strict_json import parse_json

__all__ = [
    "SCHEMA_NAMES",
    "Fault",
    "LineFault",
    "iter_faults",
    "load_schema",
    "parse_json",
    "parse_manifest_line",
    "validate_manifest_lines",
]
