"""Dark and light theme (contrast at least 4.5:1), and a stylesheet that is parsed once."""

from __future__ import annotations

from typing import Any, Final

from textual.app import App
from textual.css.stylesheet import Stylesheet
from textual.theme import Theme


def _theme(name: str, *, dark: bool, colours: dict[str, str], backgrounds: dict[str, str]) -> Theme:
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
        background=backgrounds["background"],
        surface=backgrounds["background"],
        panel=backgrounds["panel"],
        foreground=backgrounds["foreground"],
        variables={
            **as_text,
            "text-muted": backgrounds["muted"],
            "text-disabled": backgrounds["muted"],
            "border": backgrounds["rule"],
            "border-blurred": backgrounds["rule"],
            "footer-background": backgrounds["panel"],
            "footer-description-foreground": backgrounds["muted"],
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
    backgrounds={
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
    backgrounds={
        "background": "#FFFFFF",
        "panel": "#EEF2F6",
        "foreground": "#1B2430",
        "muted": "#56616E",
        "rule": "#C2CAD3",
    },
)


class CachedStylesheet(Stylesheet):
    """Stylesheet that does not reparse known sources whenever a view is first shown."""

    def __init__(self, colours: dict[str, str]) -> None:
        super().__init__(variables=colours)
        self._colours = colours

    def set_variables(self, variables: dict[str, str]) -> None:
        """Set the colours of a theme; unchanged ones cause no reparse."""
        if variables != self._colours:
            self._colours = variables
            super().set_variables(variables)

    def reparse(self) -> None:
        self.parse()  # known sources are cached, only added ones are parsed


def apply_theme(app: App[Any], name: str) -> None:
    """Register our themes and select one, before the app runs."""
    for theme in (DARK, LIGHT):
        app.register_theme(theme)
    app.theme = LIGHT.name if name == "light" else DARK.name
    app.stylesheet = CachedStylesheet(app.get_css_variables())
