//! Expressions as trees.

use num_traits::{One, Signed, Zero};

use super::number::Rational;

/// An expression. Differences and quotients are sums and products with negative coefficients and exponents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    /// A number, exactly.
    Number(Rational),
    /// A number that was written with so many digits behind the decimal point.
    Decimal(Rational, u32),
    /// π, e or i.
    Constant(Constant),
    /// A letter, with what hangs on it: `x_1`, `a'`.
    Variable(String),
    /// A sum of at least two.
    Sum(Vec<Expression>),
    /// A product of at least two.
    Product(Vec<Expression>),
    /// A base and an exponent; roots, too.
    Power(Box<Expression>, Box<Expression>),
    /// A function that is known, of one argument.
    Function(Function, Box<Expression>),
    /// A function by its letter, or one that is only ever compared: `f(x)`, sums over an index.
    Call(String, Vec<Expression>),
    /// Either sign; the same one everywhere in an expression. True is ∓.
    PlusMinus(bool, Box<Expression>),
}

/// Numbers with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Constant {
    /// The ratio of a circle's circumference to its diameter.
    Pi,
    /// The base of the natural logarithm.
    E,
    /// The square root of minus one.
    I,
    /// Without end; as an end of intervals.
    Infinity,
}

/// Functions of one argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// Of an angle in radians.
    Sin,
    /// Of an angle in radians.
    Cos,
    /// Of an angle in radians.
    Tan,
    /// The inverse on its usual branch.
    Arcsin,
    /// The inverse on its usual branch.
    Arccos,
    /// The inverse on its usual branch.
    Arctan,
    /// Hyperbolic.
    Sinh,
    /// Hyperbolic.
    Cosh,
    /// Hyperbolic.
    Tanh,
    /// The natural logarithm.
    Ln,
    /// The absolute value.
    Abs,
    /// The largest whole number that is not above.
    Floor,
    /// The smallest whole number that is not below.
    Ceiling,
    /// Of a whole number.
    Factorial,
    /// Of a number in degrees, in radians.
    Degrees,
}

impl Function {
    /// The name by which it is printed.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Function::Sin => "sin",
            Function::Cos => "cos",
            Function::Tan => "tan",
            Function::Arcsin => "arcsin",
            Function::Arccos => "arccos",
            Function::Arctan => "arctan",
            Function::Sinh => "sinh",
            Function::Cosh => "cosh",
            Function::Tanh => "tanh",
            Function::Ln => "ln",
            Function::Abs => "abs",
            Function::Floor => "floor",
            Function::Ceiling => "ceil",
            Function::Factorial => "factorial",
            Function::Degrees => "indegrees",
        }
    }
}

impl Expression {
    pub(crate) fn whole(number: i64) -> Self {
        Expression::Number(Rational::from_integer(number.into()))
    }

    pub(crate) fn negated(self) -> Self {
        match self {
            Expression::Number(number) => Expression::Number(-number),
            Expression::Decimal(number, places) => Expression::Decimal(-number, places),
            Expression::Product(mut parts) if parts.first().is_some_and(|first| first.written().is_some()) => {
                let first = parts.remove(0).negated();
                parts.insert(0, first);
                Expression::Product(parts)
            }
            other => Expression::product([Expression::whole(-1), other]),
        }
    }

    pub(crate) fn sum(terms: impl IntoIterator<Item = Expression>) -> Self {
        let mut flat = Vec::new();
        for term in terms {
            match term {
                Expression::Sum(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        if flat.len() > 1 { Expression::Sum(flat) } else { flat.pop().unwrap_or_else(|| Expression::whole(0)) }
    }

    pub(crate) fn product(factors: impl IntoIterator<Item = Expression>) -> Self {
        let mut flat = Vec::new();
        for factor in factors {
            match factor {
                Expression::Product(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        if flat.len() > 1 { Expression::Product(flat) } else { flat.pop().unwrap_or_else(|| Expression::whole(1)) }
    }

    pub(crate) fn power(self, exponent: Expression) -> Self {
        Expression::Power(Box::new(self), Box::new(exponent))
    }

    pub(crate) fn quotient(self, below: Expression) -> Self {
        let below = below.power(Expression::whole(-1));
        if self == Expression::whole(1) { below } else { Expression::product([self, below]) }
    }

    pub(crate) fn root(self, degree: Expression) -> Self {
        self.power(Expression::whole(1).quotient(degree))
    }

    pub(crate) fn of(function: Function, argument: Expression) -> Self {
        Expression::Function(function, Box::new(argument))
    }

    /// The number that this is as it was written: not the value of a sum.
    pub(crate) fn written(&self) -> Option<&Rational> {
        match self {
            Expression::Number(number) | Expression::Decimal(number, _) => Some(number),
            _ => None,
        }
    }

    /// Every expression in this one, itself included.
    pub(crate) fn all<'a>(&'a self, visit: &mut dyn FnMut(&'a Expression)) {
        visit(self);
        match self {
            Expression::Number(_) | Expression::Decimal(..) | Expression::Constant(_) | Expression::Variable(_) => {}
            Expression::Sum(parts) | Expression::Product(parts) | Expression::Call(_, parts) => {
                parts.iter().for_each(|part| part.all(visit));
            }
            Expression::Power(base, exponent) => {
                base.all(visit);
                exponent.all(visit);
            }
            Expression::Function(_, inside) | Expression::PlusMinus(_, inside) => inside.all(visit),
        }
    }

    /// Returns whether something in it is like that.
    pub(crate) fn any(&self, is: impl Fn(&Expression) -> bool) -> bool {
        let mut found = false;
        self.all(&mut |part| found |= is(part));
        found
    }

    /// The two expressions that one with ± stands for.
    pub(crate) fn both_signs(&self) -> Option<[Expression; 2]> {
        self.any(|part| matches!(part, Expression::PlusMinus(..)))
            .then(|| [self.with_sign(false), self.with_sign(true)])
    }

    fn with_sign(&self, negative: bool) -> Expression {
        let with = |parts: &[Expression]| parts.iter().map(|part| part.with_sign(negative)).collect();
        match self {
            Expression::PlusMinus(turned, inside) => {
                let inside = inside.with_sign(negative);
                if *turned == negative { inside } else { inside.negated() }
            }
            Expression::Sum(parts) => Expression::Sum(with(parts)),
            Expression::Product(parts) => Expression::Product(with(parts)),
            Expression::Call(name, parts) => Expression::Call(name.clone(), with(parts)),
            Expression::Power(base, exponent) => base.with_sign(negative).power(exponent.with_sign(negative)),
            Expression::Function(function, inside) => Expression::of(*function, inside.with_sign(negative)),
            other => other.clone(),
        }
    }

    /// Returns whether it is minus something.
    pub(crate) fn is_negative(&self) -> bool {
        match self {
            Expression::Number(number) | Expression::Decimal(number, _) => number.is_negative(),
            Expression::Product(parts) => parts.first().is_some_and(Expression::is_negative),
            _ => false,
        }
    }

    /// ∞ by its sign, if it is that.
    pub(crate) fn infinite(&self) -> Option<bool> {
        match self {
            Expression::Constant(Constant::Infinity) => Some(true),
            Expression::Product(parts) => match parts.as_slice() {
                [Expression::Number(sign), Expression::Constant(Constant::Infinity)]
                    if (-sign.clone()).is_one() && !sign.is_zero() =>
                {
                    Some(false)
                }
                _ => None,
            },
            _ => None,
        }
    }
}
