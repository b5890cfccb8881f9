"""``thalweg`` on the command line; says what to install where the course's tools are missing."""

import sys


def main() -> None:
    """Run the command line."""
    try:
        from thalweg.course.cli import app
    except ModuleNotFoundError as error:
        sys.exit(f"The command thalweg needs {error.name}. Install it with: pip install 'thalweg[course]'")
    app(prog_name="thalweg")


if __name__ == "__main__":
    main()
