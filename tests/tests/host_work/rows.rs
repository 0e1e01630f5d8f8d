//! Task files, imported tables, labels, and text that reaches a terminal.
