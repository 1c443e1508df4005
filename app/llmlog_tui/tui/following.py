"""What has come since the user moved away from the newest records."""

from __future__ import annotations


class FollowMixin:
    """A part of every view: whether it goes with the newest records, else how many came since.

    Those that inherit tell it of each count of records before they show them.
    """

    _records = 0
    _seen = 0

    @property
    def following(self) -> bool:
        """Whether the newest records are on screen, and those that come will be."""
        return True

    @property
    def unseen(self) -> int:
        """How many records came since one has moved away from the newest."""
        return 0 if self.following else self._records - self._seen

    def saw(self, records: int) -> None:
        """There are so many records now."""
        self._records = records
        if self.following:
            self._seen = records
