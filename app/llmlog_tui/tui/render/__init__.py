"""Pure functions: texts, cells and bars from values of analysis."""
