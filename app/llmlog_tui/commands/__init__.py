"""The headless commands: the same answers as text and JSON."""


def main() -> int:
    return 0
