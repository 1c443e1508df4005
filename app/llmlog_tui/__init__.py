"""The dashboard and the headless commands for a log written by llmlog."""
