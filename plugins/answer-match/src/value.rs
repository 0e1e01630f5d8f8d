//! Expressions and when their values are equal.

pub(crate) mod expression;
mod normal;
pub(crate) mod number;
mod numeric;
mod polynomial;

pub(crate) use normal::{equal, is_multiple, linear, rational};
pub(crate) use numeric::constant;
pub(crate) use polynomial::allow;
