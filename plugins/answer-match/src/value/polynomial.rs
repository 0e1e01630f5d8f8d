//! Polynomials with exact coefficients over whatever cannot be taken apart further.

use std::cell::Cell;
use std::collections::BTreeMap;

use num_bigint::BigInt;
use num_traits::{One, Signed, Zero};

use super::expression::Expression;
use super::number::{self, Rational};

/// Most steps of one comparison, of which each is a product of two terms with short coefficients.
const MOST_STEPS: usize = 4_000;

thread_local! {
    /// Steps that are left for all comparisons until [`allow`] is called again.
    static LEFT: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// Sets how many steps all comparisons may take from now on, together. When none is left, answers are equal only when they
/// are written alike.
pub(crate) fn allow(steps: usize) {
    LEFT.set(steps);
}

/// Takes from the steps that are left.
pub(crate) fn spend(steps: usize) -> Result<(), TooLarge> {
    let left = LEFT.get().checked_sub(steps);
    LEFT.set(left.unwrap_or_default());
    left.map(drop).ok_or(TooLarge)
}

/// What a product or a sum of two numbers costs: with their length it grows, and so does the common divisor's cost, with its
/// square.
fn cost(one: &Rational, other: &Rational) -> usize {
    let bits = one.numer().bits() + one.denom().bits() + other.numer().bits() + other.denom().bits();
    let words = usize::try_from(bits / 128).unwrap_or(MOST_STEPS);
    1 + words * words / 4
}

/// Most terms of a polynomial.
const MOST_TERMS: usize = 400;

/// What was asked for is too large to compute, or has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLarge;

/// The number of an [`Atom`] in its [`Table`].
pub(crate) type AtomId = u32;

/// What cannot be taken apart: a letter, a constant, a root, a function of something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Atom {
    /// A letter, π or e.
    Letter(Expression),
    /// The square root of minus one.
    Imaginary,
    /// A root of a prime, or of a number without small factors.
    Root {
        /// Of this.
        radicand: BigInt,
        /// 2 for a square root.
        degree: u32,
        /// Whether it is known to be a prime.
        prime: bool,
    },
    /// Anything else, which is equal only to itself in here.
    Opaque(Expression),
}

impl Atom {
    /// Returns whether products of such are linearly independent, so that sums are equal only term by term. (Of π and e
    /// nobody has proved it, and nobody doubts it.)
    pub(crate) fn is_independent(&self) -> bool {
        match self {
            Atom::Letter(_) | Atom::Imaginary => true,
            Atom::Root { degree, prime, .. } => *degree == 2 && *prime,
            Atom::Opaque(_) => false,
        }
    }

    /// The expression that it stands for.
    pub(crate) fn expression(&self) -> Expression {
        match self {
            Atom::Letter(expression) | Atom::Opaque(expression) => expression.clone(),
            Atom::Imaginary => Expression::Constant(super::expression::Constant::I),
            Atom::Root { radicand, degree, .. } => {
                Expression::Number(Rational::from_integer(radicand.clone())).root(Expression::whole(i64::from(*degree)))
            }
        }
    }
}

/// Atoms by their keys, and what is left of the budget.
#[derive(Debug, Default)]
pub(crate) struct Table {
    ids: BTreeMap<String, AtomId>,
    atoms: Vec<Atom>,
    steps: usize,
}

impl Table {
    /// The number of an atom, the same for the same key.
    pub(crate) fn id(&mut self, key: String, atom: impl FnOnce() -> Atom) -> AtomId {
        let next = u32::try_from(self.atoms.len()).unwrap_or(u32::MAX);
        let id = *self.ids.entry(key).or_insert(next);
        if id == next {
            self.atoms.push(atom());
        }
        id
    }

    pub(crate) fn atom(&self, id: AtomId) -> Option<&Atom> {
        self.atoms.get(id as usize)
    }

    fn spend(&mut self, steps: usize) -> Result<(), TooLarge> {
        self.steps += steps;
        spend(steps)?;
        if self.steps > MOST_STEPS { Err(TooLarge) } else { Ok(()) }
    }
}

/// Atoms with their exponents, none of them 0, in the order of their numbers.
pub(crate) type Monomial = Vec<(AtomId, i32)>;

/// A sum of monomials with their coefficients, none of them 0. Exponents may be negative.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Polynomial(pub(crate) BTreeMap<Monomial, Rational>);

impl Polynomial {
    pub(crate) fn constant(number: Rational) -> Self {
        Self::term(Monomial::new(), number)
    }

    pub(crate) fn one() -> Self {
        Self::constant(Rational::one())
    }

    pub(crate) fn term(monomial: Monomial, coefficient: Rational) -> Self {
        let mut terms = BTreeMap::new();
        if !coefficient.is_zero() {
            terms.insert(monomial, coefficient);
        }
        Polynomial(terms)
    }

    pub(crate) fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    /// The number that it is, if it has no atoms.
    pub(crate) fn as_number(&self) -> Option<Rational> {
        match self.0.iter().next() {
            None => Some(Rational::zero()),
            Some((monomial, number)) if self.0.len() == 1 && monomial.is_empty() => Some(number.clone()),
            Some(_) => None,
        }
    }

    pub(crate) fn as_term(&self) -> Option<(&Monomial, &Rational)> {
        if self.0.len() == 1 { self.0.iter().next() } else { None }
    }

    fn add_term(&mut self, monomial: Monomial, coefficient: Rational) -> Result<(), TooLarge> {
        use std::collections::btree_map::Entry;
        match self.0.entry(monomial) {
            Entry::Vacant(place) => {
                if !coefficient.is_zero() {
                    place.insert(coefficient);
                }
            }
            Entry::Occupied(mut place) => {
                spend(cost(place.get(), &coefficient))?;
                let sum = place.get() + coefficient;
                if !number::fits(&sum) {
                    return Err(TooLarge);
                }
                if sum.is_zero() {
                    place.remove();
                } else {
                    place.insert(sum);
                }
            }
        }
        if self.0.len() > MOST_TERMS { Err(TooLarge) } else { Ok(()) }
    }

    pub(crate) fn plus(mut self, other: Polynomial, table: &mut Table) -> Result<Self, TooLarge> {
        table.spend(other.0.len() + 1)?;
        for (monomial, coefficient) in other.0 {
            self.add_term(monomial, coefficient)?;
        }
        Ok(self)
    }

    pub(crate) fn times(&self, other: &Polynomial, table: &mut Table) -> Result<Self, TooLarge> {
        let mut product = Polynomial::default();
        for (left, a) in &self.0 {
            for (right, b) in &other.0 {
                table.spend(cost(a, b))?;
                let coefficient = a * b;
                if !number::fits(&coefficient) {
                    return Err(TooLarge);
                }
                let (monomial, factor) = multiplied(left, right, table)?;
                product.add_term(monomial, coefficient * factor)?;
            }
        }
        Ok(product)
    }

    pub(crate) fn scaled(mut self, factor: &Rational) -> Result<Self, TooLarge> {
        if factor.is_zero() {
            return Ok(Polynomial::default());
        }
        for coefficient in self.0.values_mut() {
            *coefficient *= factor;
            if !number::fits(coefficient) {
                return Err(TooLarge);
            }
        }
        Ok(self)
    }

    /// A whole power, not negative.
    pub(crate) fn power(&self, times: u32, table: &mut Table) -> Result<Self, TooLarge> {
        let mut power = Polynomial::one();
        let mut square = self.clone();
        let mut rest = times;
        while rest > 0 {
            if rest & 1 == 1 {
                power = power.times(&square, table)?;
            }
            rest >>= 1;
            if rest > 0 {
                square = square.times(&square, table)?;
            }
        }
        Ok(power)
    }

    /// The positive number by which the coefficients can be divided so that they are whole and have no common divisor.
    pub(crate) fn content(&self) -> Rational {
        use num_integer::Integer;
        let (mut above, mut below) = (BigInt::zero(), BigInt::one());
        for coefficient in self.0.values() {
            above = above.gcd(coefficient.numer());
            below = below.lcm(coefficient.denom());
        }
        if above.is_zero() { Rational::one() } else { Rational::new(above.abs(), below) }
    }

    /// The coefficient of the first of its terms in the order of this table.
    pub(crate) fn leading(&self) -> Option<&Rational> {
        self.0.values().next_back()
    }
}

/// The product of two monomials, with the number that comes out of roots and of the imaginary unit.
pub(crate) fn multiplied(
    left: &Monomial,
    right: &Monomial,
    table: &mut Table,
) -> Result<(Monomial, Rational), TooLarge> {
    let mut exponents: BTreeMap<AtomId, i32> = left.iter().copied().collect();
    for (atom, exponent) in right {
        let sum = exponents.entry(*atom).or_insert(0);
        *sum = sum.checked_add(*exponent).ok_or(TooLarge)?;
    }
    let mut factor = Rational::one();
    for (id, exponent) in &mut exponents {
        match table.atoms.get(*id as usize) {
            Some(Atom::Imaginary) => {
                if exponent.rem_euclid(4) > 1 {
                    factor = -factor;
                }
                *exponent = exponent.rem_euclid(2);
            }
            Some(Atom::Root { radicand, degree, .. }) => {
                let degree = i32::try_from(*degree).map_err(|_| TooLarge)?;
                let whole = BigInt::from(exponent.div_euclid(degree));
                factor *= number::power(&Rational::from_integer(radicand.clone()), &whole).ok_or(TooLarge)?;
                *exponent = exponent.rem_euclid(degree);
            }
            _ => {}
        }
    }
    Ok((exponents.into_iter().filter(|(_, exponent)| *exponent != 0).collect(), factor))
}
