"""The two themes of the dashboard, every text at least 4.5:1 on its background; and its sheets."""

from __future__ import annotations

from typing import Final

from textual.css.stylesheet import Stylesheet
from textual.theme import Theme


def _theme(name: str, *, dark: bool, colours: dict[str, str], grounds: dict[str, str]) -> Theme:
    as_text = {f"text-{meaning}": colour for meaning, colour in colours.items()}
    return Theme(
        name=name,
        dark=dark,
        primary=colours["primary"],
        secondary=colours["secondary"],
        accent=colours["accent"],
        warning=colours["warning"],
        error=colours["error"],
        success=colours["success"],
        background=grounds["background"],
        surface=grounds["background"],
        panel=grounds["panel"],
        foreground=grounds["foreground"],
        variables={
            **as_text,
            "text-muted": grounds["muted"],
            "text-disabled": grounds["muted"],
            "border": grounds["rule"],
            "border-blurred": grounds["rule"],
            "footer-background": grounds["panel"],
            "footer-description-foreground": grounds["muted"],
            "footer-key-foreground": colours["primary"],
            "block-cursor-text-style": "none",
        },
    )


DARK: Final = _theme(
    "llmlog-dark",
    dark=True,
    colours={
        "primary": "#6CB6FF",
        "secondary": "#4EC9B0",
        "accent": "#C49BFF",
        "warning": "#E3B341",
        "error": "#FF7B72",
        "success": "#6BCB77",
    },
    grounds={
        "background": "#141A22",
        "panel": "#1F2833",
        "foreground": "#E6EDF3",
        "muted": "#9AA7B4",
        "rule": "#3A4654",
    },
)

LIGHT: Final = _theme(
    "llmlog-light",
    dark=False,
    colours={
        "primary": "#0B62C4",
        "secondary": "#0B7A75",
        "accent": "#7A3EB8",
        "warning": "#9A6200",
        "error": "#C0262D",
        "success": "#1F7A33",
    },
    grounds={
        "background": "#FFFFFF",
        "panel": "#EEF2F6",
        "foreground": "#1B2430",
        "muted": "#56616E",
        "rule": "#C2CAD3",
    },
)


class ParsedOnce(Stylesheet):
    """Textual's parses all of them anew whenever a view is first shown, this one in new colours."""

    def __init__(self, colours: dict[str, str]) -> None:
        super().__init__(variables=colours)
        self._colours = colours

    def set_variables(self, variables: dict[str, str]) -> None:
        """Take the colours of a theme; those that are in force need nothing."""
        if variables != self._colours:
            self._colours = variables
            super().set_variables(variables)

    def reparse(self) -> None:
        """Take in what was added; what is known is in the cache."""
        self.parse()
