"""Coverage-guided fuzzing of every parser with atheris: ``python -m tests.fuzz --help``; see docs/fuzzing.md."""
