"""Runs ``duologue`` as ``python -m duologue_pipeline``."""

from duologue_pipeline.cli.start import main

__all__: list[str] = []

if __name__ == "__main__":
    main()
