"""From answers to the screen: renders, decides nothing."""
