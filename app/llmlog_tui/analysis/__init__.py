"""From a frame to answers: pure functions over polars, no I/O and no Textual."""
