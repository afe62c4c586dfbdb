"""Knows the runners of Apache Beam: what each one needs, what its workers can reach, and how they get this package."""

__all__: list[str] = []
