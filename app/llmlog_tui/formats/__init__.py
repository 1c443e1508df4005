"""Other tools' records, made of ours."""
