"""What a program finds in place of the machine: a clock that stands still, chance that repeats, and refusals by name.

`clock`, `chance` and `depth` hold natively too (`rewarden-plugin test`), so that the same program gives the same results there; the rest is
for the component, whose WASI functions are traps without a message: none of them may be reached.
"""
