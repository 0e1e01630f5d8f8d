//! Run files that were edited by hand.
