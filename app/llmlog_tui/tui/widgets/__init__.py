"""Generic widgets: they know no log, only rows, text and values given to them."""
