"""Counting the records received since following was turned off."""

from __future__ import annotations


class FollowMixin:
    """Part of every view: whether it follows the newest records, else how many are unseen."""

    _records = 0
    _seen = 0

    @property
    def following(self) -> bool:
        """Whether the newest records are on screen, and new ones will be."""
        return True

    @property
    def unseen(self) -> int:
        """Records received since following was turned off."""
        return 0 if self.following else self._records - self._seen

    def record_count_changed(self, records: int) -> None:
        """Update the count; call it before the records are shown."""
        self._records = records
        if self.following:
            self._seen = records
