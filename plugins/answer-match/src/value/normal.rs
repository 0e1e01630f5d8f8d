//! Whether two expressions have the same value, exactly where that can be decided.
//!
//! An expression becomes a quotient of two [polynomials](super::polynomial) over letters, constants, roots of primes and
//! functions. The difference of two such quotients is computed exactly. Where nothing is left of it, the expressions are
//! equal; where what is left consists of independent atoms, they are not. Otherwise what is left is evaluated at fixed
//! points ([`numeric`]): it is zero when it is within the error of the computation at all of them (Schwartz–Zippel).

use num_bigint::BigInt;
use num_traits::{One, Signed, ToPrimitive, Zero};

use super::expression::{Constant, Expression, Function};
use super::number::{self, Rational};
use super::numeric;
use super::polynomial::{Atom, Monomial, Polynomial, Table, TooLarge, multiplied};
use crate::print;

/// Polynomials of several terms are multiplied out up to this power.
const LARGEST_POWER: u32 = 24;

/// Roots of numbers up to this degree are taken apart.
const LARGEST_DEGREE: u32 = 24;

/// Whether two expressions have the same value; not, where it cannot be told.
pub(crate) fn equal(one: &Expression, other: &Expression) -> bool {
    if one == other {
        return true;
    }
    let mut table = Table::default();
    let difference = quotient(one, &mut table, 0).and_then(|one| {
        let other = quotient(other, &mut table, 0)?;
        let left = one.above.times(&other.below, &mut table)?;
        let right = other.above.times(&one.below, &mut table)?;
        left.plus(right.scaled(&-Rational::one())?, &mut table)
    });
    match difference {
        Ok(difference) => is_zero(&difference, &table),
        // Too large for that; print decides what numbers cannot.
        Err(TooLarge) => print::expression(one) == print::expression(other),
    }
}

/// Compares `one = 0` with `other = 0`: equal when one side is a multiple of the other by a number. With `positive` the
/// number must be above 0, as for inequalities.
pub(crate) fn is_multiple(one: &Expression, other: &Expression, positive: bool) -> bool {
    let mut table = Table::default();
    let mut numerators = || {
        let one = quotient(one, &mut table, 0)?;
        let other = quotient(other, &mut table, 0)?;
        // A sign in the denominator would turn an inequality, and a letter could.
        if positive && (one.below.as_number().is_none() || other.below.as_number().is_none()) {
            return Err(TooLarge);
        }
        let by_denominator = |quotient: Quotient| match quotient.below.as_number() {
            Some(below) if !below.is_zero() => quotient.above.scaled(&below.recip()),
            _ => Ok(quotient.above),
        };
        Ok((
            without_negative_powers(by_denominator(one)?, &mut table)?,
            without_negative_powers(by_denominator(other)?, &mut table)?,
        ))
    };
    let Ok((one, other)): Result<_, TooLarge> = numerators() else { return false };
    let (Some((monomial, a)), false) = (one.0.iter().next_back(), other.is_zero()) else { return false };
    // Their leading terms must be the same but for the coefficient; where a root or a constant stands in between, the
    // numbers decide.
    let Some(b) = other.0.get(monomial) else { return false };
    if positive && (a / b).is_negative() {
        return false;
    }
    let difference = one.clone().scaled(b).and_then(|left| left.plus(other.scaled(&-a.clone())?, &mut table));
    difference.is_ok_and(|difference| is_zero(&difference, &table))
}

/// The fraction that an expression is, if it is one.
pub(crate) fn rational(expression: &Expression) -> Option<Rational> {
    quotient(expression, &mut Table::default(), 0).ok()?.as_number()
}

/// An expression as `factor * letter + rest`, if it is that, with a rational factor and no letter in the rest.
pub(crate) fn linear(expression: &Expression) -> Option<(Expression, Rational, Expression)> {
    let mut table = Table::default();
    let quotient = quotient(expression, &mut table, 0).ok()?;
    let below = quotient.below.as_number().filter(|below| !below.is_zero())?;
    let whole = quotient.above.scaled(&below.recip()).ok()?;
    let is_letter = |id: &u32| match table.atom(*id) {
        Some(Atom::Letter(Expression::Variable(_))) => true,
        Some(Atom::Opaque(inside)) => inside.any(|part| matches!(part, Expression::Variable(_) | Expression::Call(..))),
        _ => false,
    };
    let (with, without): (Vec<_>, Vec<_>) =
        whole.0.into_iter().partition(|(monomial, _)| monomial.iter().any(|(id, _)| is_letter(id)));
    let [(monomial, factor)] = with.as_slice() else { return None };
    let [(id, 1)] = monomial.as_slice() else { return None };
    let letter = match table.atom(*id)? {
        Atom::Letter(letter) => letter.clone(),
        _ => return None,
    };
    let rest = Quotient::whole(Polynomial(without.into_iter().collect()));
    Some((letter, factor.clone(), back(&rest, &table)))
}

fn without_negative_powers(polynomial: Polynomial, table: &mut Table) -> Result<Polynomial, TooLarge> {
    let mut lowest = std::collections::BTreeMap::new();
    for monomial in polynomial.0.keys() {
        for (atom, exponent) in monomial {
            let least: &mut i32 = lowest.entry(*atom).or_insert(0);
            *least = (*least).min(*exponent);
        }
    }
    let factor: Monomial = lowest.into_iter().filter(|(_, least)| *least < 0).map(|(id, least)| (id, -least)).collect();
    polynomial.times(&Polynomial::term(factor, Rational::one()), table)
}

fn is_zero(difference: &Polynomial, table: &Table) -> bool {
    if difference.is_zero() {
        return true;
    }
    let independent =
        difference.0.keys().flatten().all(|(atom, _)| table.atom(*atom).is_some_and(Atom::is_independent));
    !independent && numeric::is_zero(difference, table)
}

/// A quotient of two polynomials.
#[derive(Clone, Debug)]
struct Quotient {
    above: Polynomial,
    below: Polynomial,
}

impl Quotient {
    fn whole(above: Polynomial) -> Self {
        Quotient { above, below: Polynomial::one() }
    }

    fn as_number(&self) -> Option<Rational> {
        let (above, below) = (self.above.as_number()?, self.below.as_number()?);
        (!below.is_zero()).then(|| above / below)
    }

    fn plus(self, other: Quotient, table: &mut Table) -> Result<Self, TooLarge> {
        if self.below == other.below {
            return Ok(Quotient { above: self.above.plus(other.above, table)?, below: self.below });
        }
        let left = self.above.times(&other.below, table)?;
        let right = other.above.times(&self.below, table)?;
        Ok(Quotient { above: left.plus(right, table)?, below: self.below.times(&other.below, table)? })
    }

    fn times(self, other: &Quotient, table: &mut Table) -> Result<Self, TooLarge> {
        Ok(Quotient { above: self.above.times(&other.above, table)?, below: self.below.times(&other.below, table)? })
    }

    /// One divided by it.
    fn inverse(self, table: &mut Table) -> Result<Self, TooLarge> {
        if self.above.is_zero() {
            return Err(TooLarge);
        }
        // A single term goes up with its exponents turned, so that roots in denominators are made rational.
        if let Some((monomial, coefficient)) = self.above.as_term() {
            let turned: Monomial = monomial.iter().map(|(atom, exponent)| (*atom, -exponent)).collect();
            let (monomial, factor) = multiplied(&turned, &Monomial::new(), table)?;
            let term = Polynomial::term(monomial, coefficient.recip() * factor);
            return Ok(Quotient::whole(self.below.times(&term, table)?));
        }
        Ok(Quotient { above: self.below, below: self.above })
    }
}

fn letter(expression: &Expression, table: &mut Table) -> Quotient {
    let id = table.id(print::expression(expression), || Atom::Letter(expression.clone()));
    Quotient::whole(Polynomial::term(vec![(id, 1)], Rational::one()))
}

fn opaque(expression: Expression, table: &mut Table) -> Quotient {
    let id = table.id(print::expression(&expression), || Atom::Opaque(expression));
    Quotient::whole(Polynomial::term(vec![(id, 1)], Rational::one()))
}

fn quotient(expression: &Expression, table: &mut Table, depth: u32) -> Result<Quotient, TooLarge> {
    if depth > 64 {
        return Err(TooLarge);
    }
    let depth = depth + 1;
    match expression {
        Expression::Number(number) | Expression::Decimal(number, _) => {
            Ok(Quotient::whole(Polynomial::constant(number.clone())))
        }
        Expression::Constant(Constant::I) => {
            let id = table.id("i".into(), || Atom::Imaginary);
            Ok(Quotient::whole(Polynomial::term(vec![(id, 1)], Rational::one())))
        }
        Expression::Constant(Constant::Infinity) => Ok(opaque(expression.clone(), table)),
        Expression::Constant(_) | Expression::Variable(_) => Ok(letter(expression, table)),
        Expression::Sum(parts) => {
            let mut sum = Quotient::whole(Polynomial::default());
            for part in parts {
                let part = quotient(part, table, depth)?;
                sum = sum.plus(part, table)?;
            }
            Ok(sum)
        }
        Expression::Product(parts) => {
            let mut product = Quotient::whole(Polynomial::one());
            for part in parts {
                let part = quotient(part, table, depth)?;
                product = product.times(&part, table)?;
            }
            Ok(product)
        }
        Expression::Power(base, exponent) => {
            let base_quotient = quotient(base, table, depth)?;
            let exponent_quotient = quotient(exponent, table, depth)?;
            match exponent_quotient.as_number() {
                Some(exponent) => rational_power(base, base_quotient, &exponent, table),
                None => general_power(base, &base_quotient, &exponent_quotient, table),
            }
        }
        Expression::Function(function, inside) => {
            let argument = quotient(inside, table, depth)?;
            function_of(*function, &argument, table)
        }
        Expression::Call(name, arguments) => {
            let mut keys = Vec::new();
            for argument in arguments {
                let argument = quotient(argument, table, depth)?;
                keys.push(back(&argument, table));
            }
            Ok(opaque(Expression::Call(name.clone(), keys), table))
        }
        Expression::PlusMinus(turned, inside) => {
            let inside = quotient(inside, table, depth)?;
            let inside = back(&inside, table);
            Ok(opaque(Expression::PlusMinus(*turned, Box::new(inside)), table))
        }
    }
}

fn function_of(function: Function, argument: &Quotient, table: &mut Table) -> Result<Quotient, TooLarge> {
    let number = argument.as_number();
    let exact = number.as_ref().and_then(|number| match function {
        Function::Factorial => number::factorial(number),
        Function::Abs => Some(number.abs()),
        Function::Floor => Some(number.floor()),
        Function::Ceiling => Some(number.ceil()),
        Function::Ln if number.is_one() => Some(Rational::zero()),
        Function::Sin | Function::Tan | Function::Arcsin | Function::Arctan | Function::Sinh | Function::Tanh
            if number.is_zero() =>
        {
            Some(Rational::zero())
        }
        Function::Cos | Function::Cosh if number.is_zero() => Some(Rational::one()),
        _ => None,
    });
    if let Some(exact) = exact {
        return if number::fits(&exact) { Ok(Quotient::whole(Polynomial::constant(exact))) } else { Err(TooLarge) };
    }
    if function == Function::Factorial && number.is_some() {
        return Err(TooLarge);
    }
    if function == Function::Degrees {
        let half_turn = Expression::Constant(Constant::Pi).quotient(Expression::whole(180));
        let half_turn = quotient(&half_turn, table, 0)?;
        return argument.clone().times(&half_turn, table);
    }
    Ok(opaque(Expression::of(function, back(argument, table)), table))
}

/// A base to a fraction.
fn rational_power(
    base: &Expression,
    quotient: Quotient,
    exponent: &Rational,
    table: &mut Table,
) -> Result<Quotient, TooLarge> {
    if exponent.is_zero() {
        return Ok(Quotient::whole(Polynomial::one()));
    }
    if let Some(number) = quotient.as_number() {
        return number_power(&number, exponent, table);
    }
    let whole = exponent.floor().to_integer();
    let fraction = exponent - exponent.floor();
    let mut power = whole_power(base, &quotient, &whole, table)?;
    if !fraction.is_zero() {
        power = power.times(&root(&quotient, &fraction, table)?, table)?;
    }
    Ok(power)
}

fn whole_power(
    base: &Expression,
    quotient: &Quotient,
    exponent: &BigInt,
    table: &mut Table,
) -> Result<Quotient, TooLarge> {
    let times = exponent.magnitude().to_u32().ok_or(TooLarge)?;
    let is_term = |polynomial: &Polynomial| polynomial.0.len() <= 1;
    let power = if is_term(&quotient.above) && is_term(&quotient.below) {
        let power = |polynomial: &Polynomial| match polynomial.as_term() {
            Some((monomial, coefficient)) => {
                let exponents: Option<Monomial> = monomial
                    .iter()
                    .map(|(atom, exponent)| Some((*atom, exponent.checked_mul(i32::try_from(times).ok()?)?)))
                    .collect();
                let coefficient = number::power(coefficient, &BigInt::from(times)).ok_or(TooLarge)?;
                Ok((exponents.ok_or(TooLarge)?, coefficient))
            }
            None => Err(TooLarge),
        };
        if quotient.above.is_zero() {
            return if exponent.is_positive() { Ok(quotient.clone()) } else { Err(TooLarge) };
        }
        let mut term = |polynomial: &Polynomial| {
            let (monomial, coefficient) = power(polynomial)?;
            let (monomial, factor) = multiplied(&monomial, &Monomial::new(), table)?;
            Ok(Polynomial::term(monomial, coefficient * factor))
        };
        Quotient { above: term(&quotient.above)?, below: term(&quotient.below)? }
    } else if times <= LARGEST_POWER {
        Quotient { above: quotient.above.power(times, table)?, below: quotient.below.power(times, table)? }
    } else {
        let base = if quotient.above.0.len() > 1 { back(quotient, table) } else { base.clone() };
        let exponent = Expression::Number(Rational::from_integer(BigInt::from(times)));
        opaque(base.power(exponent), table)
    };
    if exponent.is_negative() { power.inverse(table) } else { Ok(power) }
}

/// A number to a fraction: prime by prime.
fn number_power(number: &Rational, exponent: &Rational, table: &mut Table) -> Result<Quotient, TooLarge> {
    if exponent.is_integer() {
        let power = number::power(number, &exponent.to_integer()).ok_or(TooLarge)?;
        return Ok(Quotient::whole(Polynomial::constant(power)));
    }
    if number.is_zero() {
        return if exponent.is_positive() { Ok(Quotient::whole(Polynomial::default())) } else { Err(TooLarge) };
    }
    let degree = exponent.denom().to_u32().filter(|degree| *degree <= LARGEST_DEGREE);
    let Some(degree) = degree else {
        let base = Expression::Number(number.clone());
        return Ok(opaque(base.power(Expression::Number(exponent.clone())), table));
    };
    let mut power = Quotient::whole(Polynomial::one());
    if number.is_negative() {
        let odd_power = exponent.numer().bit(0);
        let turned = if degree % 2 == 1 {
            // Of a negative number the root that is real.
            let sign = if odd_power { -Rational::one() } else { Rational::one() };
            Quotient::whole(Polynomial::constant(sign))
        } else if degree == 2 {
            let unit = quotient(&Expression::Constant(Constant::I), table, 0)?;
            whole_power(&Expression::Constant(Constant::I), &unit, exponent.numer(), table)?
        } else {
            return Ok(opaque(Expression::Number(number.clone()).power(Expression::Number(exponent.clone())), table));
        };
        power = power.times(&turned, table)?;
    }
    for (part, sign) in [(number.numer().abs(), 1), (number.denom().clone(), -1)] {
        let (primes, rest) = number::factors(&part);
        let rest = (!rest.is_one()).then_some((rest, 1, false));
        let all = primes.into_iter().map(|(prime, times)| (prime, times, true)).chain(rest);
        for (radicand, times, prime) in all {
            let numerator = exponent.numer() * BigInt::from(times) * sign;
            // 4 to the quarter is 2 to the half.
            let reduced = Rational::new(numerator, BigInt::from(degree));
            let whole = reduced.floor().to_integer();
            let fraction = &reduced - reduced.floor();
            let factor = number::power(&Rational::from_integer(radicand.clone()), &whole).ok_or(TooLarge)?;
            let mut term = Polynomial::constant(factor);
            if !fraction.is_zero() {
                let degree = fraction.denom().to_u32().ok_or(TooLarge)?;
                let exponent = fraction.numer().to_i32().ok_or(TooLarge)?;
                let id = table.id(format!("root {degree} of {radicand}"), || Atom::Root { radicand, degree, prime });
                term = term.times(&Polynomial::term(vec![(id, exponent)], Rational::one()), table)?;
            }
            power = power.times(&Quotient::whole(term), table)?;
        }
    }
    Ok(power)
}

/// The root of something that is no number; the exponent is between 0 and 1.
fn root(of: &Quotient, exponent: &Rational, table: &mut Table) -> Result<Quotient, TooLarge> {
    let content = of.above.content() / of.below.content();
    let outside = number_power(&content, exponent, table)?;
    let inside = Quotient { above: of.above.clone().scaled(&content.recip())?, below: of.below.clone() };
    let numerator = exponent.numer().to_i32().ok_or(TooLarge)?;
    let degree = Rational::new(BigInt::one(), exponent.denom().clone());
    let root = back(&inside, table).power(Expression::Number(degree));
    let id = table.id(print::expression(&root), || Atom::Opaque(root));
    Quotient::whole(Polynomial::term(vec![(id, numerator)], Rational::one())).times(&outside, table)
}

/// A power whose exponent has letters or irrational numbers in it: for each term of the exponent one factor.
fn general_power(
    base: &Expression,
    base_quotient: &Quotient,
    exponent: &Quotient,
    table: &mut Table,
) -> Result<Quotient, TooLarge> {
    let base_expression = back(base_quotient, table);
    if exponent.below.as_number().is_none() {
        let exponent = back(exponent, table);
        return Ok(opaque(base_expression.power(exponent), table));
    }
    let below = exponent.below.as_number().filter(|below| !below.is_zero()).ok_or(TooLarge)?;
    let mut power = Quotient::whole(Polynomial::one());
    for (monomial, coefficient) in &exponent.above.0 {
        let coefficient = coefficient / &below;
        if monomial.is_empty() {
            power = power.times(&rational_power(base, base_quotient.clone(), &coefficient, table)?, table)?;
            continue;
        }
        let times = coefficient.numer().to_i32().ok_or(TooLarge)?;
        let part = Rational::new(BigInt::one(), coefficient.denom().clone());
        let exponent = Quotient::whole(Polynomial::term(monomial.clone(), part));
        let factor = base_expression.clone().power(back(&exponent, table));
        let id = table.id(print::expression(&factor), || Atom::Opaque(factor));
        power = power.times(&Quotient::whole(Polynomial::term(vec![(id, times)], Rational::one())), table)?;
    }
    Ok(power)
}

/// An expression for what was taken apart, the same for the same value wherever that is decided here.
fn back(quotient: &Quotient, table: &Table) -> Expression {
    let polynomial = |polynomial: &Polynomial| {
        let mut terms: Vec<(String, Expression)> = polynomial
            .0
            .iter()
            .map(|(monomial, coefficient)| {
                let mut factors: Vec<(String, Expression)> = monomial
                    .iter()
                    .filter_map(|(id, exponent)| {
                        let atom = table.atom(*id)?.expression();
                        let factor = match exponent {
                            1 => atom,
                            _ => atom.power(Expression::whole(i64::from(*exponent))),
                        };
                        Some((print::expression(&factor), factor))
                    })
                    .collect();
                factors.sort_by(|a, b| a.0.cmp(&b.0));
                let coefficient = Expression::Number(coefficient.clone());
                let one = coefficient == Expression::whole(1) && !factors.is_empty();
                let factors = factors.into_iter().map(|(_, factor)| factor);
                let term = Expression::product((!one).then_some(coefficient).into_iter().chain(factors));
                (print::expression(&term), term)
            })
            .collect();
        terms.sort_by(|a, b| a.0.cmp(&b.0));
        Expression::sum(terms.into_iter().map(|(_, term)| term))
    };
    // Up to a common factor, which is taken out of the denominator with its sign.
    let leading = quotient.below.leading().filter(|leading| leading.is_negative()).map(|_| -Rational::one());
    let content = quotient.below.content() * leading.unwrap_or_else(Rational::one);
    let scaled = |part: &Polynomial| part.clone().scaled(&content.recip()).unwrap_or_else(|TooLarge| part.clone());
    let (above, below) = (scaled(&quotient.above), scaled(&quotient.below));
    match below.as_number() {
        Some(number) if number.is_one() => polynomial(&above),
        _ => polynomial(&above).quotient(polynomial(&below)),
    }
}
