//! Values in floating point, each with a bound of its error.

use std::collections::BTreeMap;
use std::f64::consts;

use num_traits::{Signed, ToPrimitive};

use super::expression::{Constant, Expression, Function};
use super::number;
use super::polynomial::{AtomId, Polynomial, Table, spend};

/// The relative error of one operation, with room to spare.
const EPSILON: f64 = 4.0 * f64::EPSILON;

/// More of an error than this share of the terms, and nothing is decided.
const LARGEST_ERROR: f64 = 1e-7;

/// A complex number, which is off by `error` at most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Value {
    re: f64,
    im: f64,
    error: f64,
}

impl Value {
    fn real(re: f64) -> Self {
        Value { re, im: 0.0, error: re.abs() * EPSILON }
    }

    fn size(self) -> f64 {
        self.re.hypot(self.im)
    }

    fn is_real(self) -> bool {
        self.im == 0.0
    }

    fn finite(self) -> Option<Self> {
        (self.re.is_finite() && self.im.is_finite() && self.error.is_finite()).then_some(self)
    }

    fn plus(self, other: Value) -> Self {
        let (re, im) = (self.re + other.re, self.im + other.im);
        Value { re, im, error: self.error + other.error + re.hypot(im) * EPSILON }
    }

    fn times(self, other: Value) -> Self {
        let (re, im) = match self.is_real() && other.is_real() {
            true => (self.re * other.re, 0.0),
            false => (self.re * other.re - self.im * other.im, self.re * other.im + self.im * other.re),
        };
        let error = self.error * other.size() + other.error * self.size() + self.error * other.error;
        Value { re, im, error: error + self.size() * other.size() * EPSILON }
    }

    fn inverse(self) -> Option<Self> {
        let square = self.re * self.re + self.im * self.im;
        let size = self.size();
        // What may be zero has no inverse.
        if size <= self.error || square == 0.0 {
            return None;
        }
        let error = self.error / (size * (size - self.error)) + EPSILON / size;
        let im = if self.is_real() { 0.0 } else { -self.im / square };
        Value { re: if self.is_real() { 1.0 / self.re } else { self.re / square }, im, error }.finite()
    }

    fn whole_power(self, exponent: i64) -> Option<Self> {
        let (mut power, mut square, mut rest) = (Value::real(1.0), self, exponent.unsigned_abs());
        while rest > 0 {
            if rest & 1 == 1 {
                power = power.times(square).finite()?;
            }
            rest >>= 1;
            if rest > 0 {
                square = square.times(square).finite()?;
            }
        }
        if exponent < 0 { power.inverse() } else { Some(power) }
    }

    fn ln(self) -> Option<Self> {
        let size = self.size();
        if size <= self.error {
            return None;
        }
        let (re, im) = (size.ln(), if self.is_real() && self.re > 0.0 { 0.0 } else { self.im.atan2(self.re) });
        Value { re, im, error: self.error / (size - self.error) + (re.abs() + im.abs()) * EPSILON + EPSILON }.finite()
    }

    fn exp(self) -> Option<Self> {
        let size = self.re.exp();
        let (re, im) = match self.is_real() {
            true => (size, 0.0),
            false => (size * self.im.cos(), size * self.im.sin()),
        };
        let error = size * (self.error.exp_m1() + EPSILON * (1.0 + self.im.abs() + self.re.abs()));
        Value { re, im, error }.finite()
    }
}

/// Where letters have values, and which values count.
struct Point {
    /// Which of the fixed points.
    number: usize,
    /// Without a word about complex numbers, what is not real has no value.
    real_only: bool,
}

/// Points with fractions and with whole numbers. Factorials have values at the latter only.
const POINTS: usize = 9;
const FIRST_WHOLE: usize = 6;

/// The value of a letter at a point: fixed, and unlike for other letters.
fn letter(name: &str, point: usize) -> f64 {
    let hash = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let mixed = (hash ^ (hash >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9 + 2 * point as u64);
    let fraction = (mixed >> 40) as f64 / 16_777_216.0;
    match point {
        0 | 1 => 0.3 + 0.6 * fraction,
        2 | 3 => 1.1 + 2.5 * fraction,
        4 => 4.0 + 5.0 * fraction,
        5 => -0.4 - 2.3 * fraction,
        _ => (2.0 + (fraction * 7.0).floor()) + (point - FIRST_WHOLE) as f64,
    }
}

/// Evaluates an expression without letters.
pub(crate) fn constant(expression: &Expression) -> Option<(f64, f64)> {
    if expression.any(|part| matches!(part, Expression::Variable(_) | Expression::Call(..))) {
        return None;
    }
    let value = evaluate(expression, &Point { number: 0, real_only: false }, 0)?;
    // An imaginary part within the error is none.
    (value.im.abs() <= value.error).then_some((value.re, value.error))
}

/// Returns whether a polynomial is zero at every point where it has a value, of which there must be enough.
pub(crate) fn is_zero(polynomial: &Polynomial, table: &Table) -> bool {
    let atoms: Vec<(AtomId, Expression)> = {
        let mut ids: Vec<AtomId> = polynomial.0.keys().flatten().map(|(id, _)| *id).collect();
        ids.sort_unstable();
        ids.dedup();
        ids.into_iter().filter_map(|id| Some((id, table.atom(id)?.expression()))).collect()
    };
    let has = |is: fn(&Expression) -> bool| atoms.iter().any(|(_, atom)| atom.any(is));
    let varies = has(|part| matches!(part, Expression::Variable(_)));
    let complex = !varies || has(|part| matches!(part, Expression::Constant(Constant::I)));
    let points = if varies { POINTS } else { 1 };
    let mut parts = polynomial.0.len();
    atoms.iter().for_each(|(_, atom)| atom.all(&mut |_| parts += 1));
    if spend(parts * points / 4).is_err() {
        return false;
    }
    let (mut fractional, mut whole) = (0, 0);
    for number in 0..points {
        let point = Point { number, real_only: !complex };
        match zero_at(polynomial, &atoms, &point) {
            Some(true) if number < FIRST_WHOLE => fractional += 1,
            Some(true) => whole += 1,
            Some(false) => return false,
            None => {}
        }
    }
    if varies { fractional >= 2 || whole >= 3 } else { fractional == 1 }
}

/// None where it has no value; false where it is not zero, and where that cannot be told.
fn zero_at(polynomial: &Polynomial, atoms: &[(AtomId, Expression)], point: &Point) -> Option<bool> {
    let mut values = BTreeMap::new();
    for (id, atom) in atoms {
        values.insert(*id, evaluate(atom, point, 0)?);
    }
    let mut sum = Value { re: 0.0, im: 0.0, error: 0.0 };
    let mut scale = 0.0;
    for (monomial, coefficient) in &polynomial.0 {
        let mut term = Value::real(number::float(coefficient)).finite()?;
        for (id, exponent) in monomial {
            term = term.times(values.get(id)?.whole_power(i64::from(*exponent))?).finite()?;
        }
        scale += term.size();
        sum = sum.plus(term);
    }
    let sum = sum.finite()?;
    let decided = sum.error <= LARGEST_ERROR * scale;
    Some(decided && sum.size() <= 4.0 * sum.error)
}

fn evaluate(expression: &Expression, point: &Point, depth: u32) -> Option<Value> {
    if depth > 64 {
        return None;
    }
    let depth = depth + 1;
    match expression {
        Expression::Number(number) | Expression::Decimal(number, _) => Value::real(number::float(number)).finite(),
        Expression::Constant(Constant::Pi) => Some(Value::real(consts::PI)),
        Expression::Constant(Constant::E) => Some(Value::real(consts::E)),
        Expression::Constant(Constant::I) => Some(Value { re: 0.0, im: 1.0, error: 0.0 }),
        Expression::Constant(Constant::Infinity) => None,
        Expression::Variable(name) => Some(Value { re: letter(name, point.number), im: 0.0, error: 0.0 }),
        Expression::Sum(parts) => {
            let mut sum = Value { re: 0.0, im: 0.0, error: 0.0 };
            for part in parts {
                sum = sum.plus(evaluate(part, point, depth)?);
            }
            sum.finite()
        }
        Expression::Product(parts) => {
            let mut product = Value { re: 1.0, im: 0.0, error: 0.0 };
            for part in parts {
                product = product.times(evaluate(part, point, depth)?);
            }
            product.finite()
        }
        Expression::Power(base, exponent) => power(base, exponent, point, depth),
        Expression::Function(function, inside) => apply(*function, evaluate(inside, point, depth)?, point),
        // What they are is not known, and ± is two values.
        Expression::Call(..) | Expression::PlusMinus(..) => None,
    }
}

fn power(base: &Expression, exponent: &Expression, point: &Point, depth: u32) -> Option<Value> {
    let base_value = evaluate(base, point, depth)?;
    if let Some(number) = exponent.written() {
        if let Some(whole) = number::whole(number).and_then(|whole| whole.to_i64()) {
            return base_value.whole_power(whole);
        }
        let odd_root = number.denom().bit(0);
        if base_value.is_real() && base_value.re < 0.0 && odd_root {
            let size = real_power(Value { re: -base_value.re, ..base_value }, number::float(number))?;
            let negative = number.numer().bit(0);
            return Some(if negative { Value { re: -size.re, ..size } } else { size });
        }
        if base_value.is_real() && base_value.re > base_value.error {
            return real_power(base_value, number::float(number));
        }
        if base_value.size() <= base_value.error {
            // The root of what may be zero.
            let bound = (base_value.size() + base_value.error).powf(number::float(number));
            return number.is_positive().then_some(Value { re: 0.0, im: 0.0, error: bound });
        }
    }
    let exponent = evaluate(exponent, point, depth)?;
    if exponent.is_real() && exponent.re.fract() == 0.0 && exponent.re.abs() < 1e9 {
        return base_value.whole_power(exponent.re as i64);
    }
    if point.real_only && base_value.is_real() && base_value.re < 0.0 {
        return None;
    }
    exponent.times(base_value.ln()?).exp()
}

fn real_power(base: Value, exponent: f64) -> Option<Value> {
    let power = base.re.powf(exponent);
    let error = power * (exponent.abs() * base.error / (base.re - base.error) + EPSILON);
    Value { re: power, im: 0.0, error }.finite()
}

/// A function, by exponentials and logarithms where the argument is complex.
fn apply(function: Function, value: Value, point: &Point) -> Option<Value> {
    let near =
        |re: f64, slope: f64| Value { re, im: 0.0, error: slope.abs() * value.error + re.abs() * EPSILON }.finite();
    let is_real = value.is_real();
    let x = value.re;
    match function {
        Function::Ln => {
            if point.real_only && !(is_real && x > 0.0) {
                return None;
            }
            value.ln()
        }
        Function::Abs => Some(Value { re: value.size(), im: 0.0, error: value.error + value.size() * EPSILON }),
        Function::Sin if is_real => {
            Value { re: x.sin(), im: 0.0, error: value.error + x.abs().max(1.0) * EPSILON }.finite()
        }
        Function::Cos if is_real => {
            Value { re: x.cos(), im: 0.0, error: value.error + x.abs().max(1.0) * EPSILON }.finite()
        }
        Function::Tan if is_real => {
            let (sin, cos) = (apply(Function::Sin, value, point)?, apply(Function::Cos, value, point)?);
            Some(sin.times(cos.inverse()?))
        }
        Function::Arcsin if is_real && x.abs() <= 1.0 => near(x.asin(), 1.0 / (1.0 - x * x).max(1e-12).sqrt()),
        Function::Arccos if is_real && x.abs() <= 1.0 => near(x.acos(), 1.0 / (1.0 - x * x).max(1e-12).sqrt()),
        Function::Arctan if is_real => near(x.atan(), 1.0),
        Function::Sinh if is_real => near(x.sinh(), x.cosh()),
        Function::Cosh if is_real => near(x.cosh(), x.sinh()),
        Function::Tanh if is_real => near(x.tanh(), 1.0),
        // A step within the error is nowhere.
        Function::Floor if is_real && (x - value.error).floor() == (x + value.error).floor() => near(x.floor(), 0.0),
        Function::Ceiling if is_real && (x - value.error).ceil() == (x + value.error).ceil() => near(x.ceil(), 0.0),
        Function::Factorial if is_real && x.fract() == 0.0 && (0.0..=170.0).contains(&x) => {
            let mut product = Value::real(1.0);
            for factor in 2..=(x as u32) {
                product = product.times(Value { re: f64::from(factor), im: 0.0, error: 0.0 });
            }
            product.finite()
        }
        Function::Degrees => Some(value.times(Value::real(consts::PI / 180.0))),
        _ => None,
    }
}
