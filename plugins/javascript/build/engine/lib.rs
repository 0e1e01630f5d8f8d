//! Nothing: a package needs a target for cargo to fetch what it depends on.
