//! Exact numbers, held to a size.

use num_bigint::{BigInt, Sign};
use num_integer::Integer;
use num_traits::{One, Signed, ToPrimitive, Zero};

/// A fraction in lowest terms, of whatever length up to [`MOST_BITS`].
pub type Rational = num_rational::BigRational;

/// No numerator and no denominator has more bits, some 2,400 decimal digits. What would be longer is not computed.
pub const MOST_BITS: u64 = 1 << 13;

/// The largest number whose factorial is computed.
const LARGEST_FACTORIAL: u32 = 900;

/// Numbers up to the square of this are taken apart into primes.
const LARGEST_DIVISOR: u32 = 2_000;

/// Returns whether a number is short enough to go on with.
pub(crate) fn fits(number: &Rational) -> bool {
    number.numer().bits() <= MOST_BITS && number.denom().bits() <= MOST_BITS
}

/// A power with a whole exponent, unless it would be too long, or divide by zero.
pub(crate) fn power(base: &Rational, exponent: &BigInt) -> Option<Rational> {
    if base.is_zero() && exponent.sign() == Sign::Minus {
        return None;
    }
    if base.is_one() || exponent.is_zero() {
        return Some(Rational::one());
    }
    if base.is_zero() {
        return Some(Rational::zero());
    }
    if base.abs().is_one() {
        return Some(if exponent.is_even() { Rational::one() } else { base.clone() });
    }
    let times = exponent.magnitude().to_u64()?;
    // One bit less than the length, since the leading one adds nothing.
    let bits = base.numer().bits().max(base.denom().bits()).saturating_sub(1).max(1);
    if bits.checked_mul(times)? > MOST_BITS {
        return None;
    }
    let power = base.pow(i32::try_from(times).ok()?);
    let power = if exponent.sign() == Sign::Minus { power.recip() } else { power };
    fits(&power).then_some(power)
}

/// `n!`, of a number up to 900.
pub(crate) fn factorial(number: &Rational) -> Option<Rational> {
    let number = whole(number)?.to_u32().filter(|number| *number <= LARGEST_FACTORIAL)?;
    Some(Rational::from_integer((2..=number).fold(BigInt::one(), |product, factor| product * factor)))
}

/// `n` over `k`, for `0 <= k <= n`.
pub(crate) fn binomial(n: &Rational, k: &Rational) -> Option<Rational> {
    let (n, k) = (whole(n)?.to_u32()?, whole(k)?.to_u32()?);
    let k = k.min(n.checked_sub(k)?);
    if n > LARGEST_FACTORIAL {
        return None;
    }
    Some(Rational::from_integer((0..k).fold(BigInt::one(), |product, step| product * (n - step) / (step + 1))))
}

/// The number, if it is whole.
pub(crate) fn whole(number: &Rational) -> Option<BigInt> {
    number.is_integer().then(|| number.to_integer())
}

/// The nearest 64-bit float, which may be infinite.
pub(crate) fn float(number: &Rational) -> f64 {
    number.to_f64().unwrap_or(f64::NAN)
}

/// Prime factors with their exponents, smallest first, and what is left that was not taken apart: 1, or a number without
/// factors up to [`LARGEST_DIVISOR`]. The number is above 0.
pub(crate) fn factors(number: &BigInt) -> (Vec<(BigInt, u32)>, BigInt) {
    let (mut rest, mut found) = (number.clone(), Vec::new());
    let mut divide = |rest: &mut BigInt, divisor: u32| {
        let mut times = 0;
        loop {
            let (quotient, remainder) = rest.div_rem(&BigInt::from(divisor));
            if !remainder.is_zero() {
                break;
            }
            *rest = quotient;
            times += 1;
        }
        if times > 0 {
            found.push((BigInt::from(divisor), times));
        }
    };
    // Long numbers are hardly ever written out to have a root taken of them.
    if rest.bits() > 256 {
        return (Vec::new(), rest);
    }
    for divisor in std::iter::once(2).chain((3..=LARGEST_DIVISOR).step_by(2)) {
        if rest < BigInt::from(divisor) * divisor {
            break;
        }
        divide(&mut rest, divisor);
    }
    if rest > BigInt::one() && rest < BigInt::from(LARGEST_DIVISOR) * LARGEST_DIVISOR {
        found.push((std::mem::replace(&mut rest, BigInt::one()), 1));
    }
    (found, rest)
}
