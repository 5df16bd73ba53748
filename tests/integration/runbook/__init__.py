"""The failures that the operations guide is about, brought about with real daemons."""
