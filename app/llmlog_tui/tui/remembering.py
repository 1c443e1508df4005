"""What a user finds again: the columns and styles of calls, and the queries that were run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from llmlog_tui.settings_file import RowRule
from llmlog_tui.tui.errands import Errands
from llmlog_tui.tui.panes.callcolumns import ALL, Choice
from llmlog_tui.tui.panes.calls import CallsPane
from llmlog_tui.tui.screens.calls import CallsScreen
from llmlog_tui.tui.screens.columns import ColumnsScreen
from llmlog_tui.tui.screens.overview import OverviewScreen


class Remembering(Errands):
    """The App as far as it is as its user left it."""

    def recall(self, rules: Sequence[RowRule]) -> None:
        """Give tables of calls their columns and these row styles, and SQL its earlier queries."""
        for view in self._sql_views():
            view.recall(self._memory.get("queries"))
        for pane in self._calls_panes():
            pane.choice, pane.rules = Choice.of(self._memory.get("calls")), rules

    def _calls_panes(self) -> Iterable[CallsPane]:
        return (v.calls for v in self._views if isinstance(v, CallsScreen | OverviewScreen))

    def on_calls_pane_columns_wanted(self, message: CallsPane.ColumnsWanted) -> None:
        """The columns of calls are to be chosen: those of a screen of this size."""
        pane, compact = message.pane, message.pane.is_narrow

        def chosen(names: tuple[str, ...] | None) -> None:
            if names is not None:
                choice = pane.choice.having(names, compact=compact)
                self._memory.put("calls", choice.as_object())
                for each in self._calls_panes():
                    each.choose(choice)

        widths = {name: column.in_form(compact=compact).width for name, column in ALL.items()}
        usual, now = Choice().names(compact=compact), pane.choice.names(compact=compact)
        self.push_screen(ColumnsScreen(now, usual, widths, pane.room), chosen)
