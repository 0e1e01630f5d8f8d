//! When two answers are equal.

use num_bigint::BigInt;
use num_traits::{Signed, ToPrimitive, Zero};

use crate::Config;
use crate::answer::{Answer, Item, Relation};
use crate::config::{Assignments, Lists, Percent, Sets, Units};
use crate::interval::{self, Interval};
use crate::unit;
use crate::value;
use crate::value::expression::{Constant, Expression};
use crate::value::number::{self, Rational};

/// A decimal number has to have so many digits before it can stand for what it was rounded from.
const FEWEST_DIGITS: usize = 6;

/// Compares answers under options.
pub(crate) struct Comparison<'a> {
    pub config: &'a Config,
}

impl Comparison<'_> {
    /// Whether two answers are equal. It is the same the other way round.
    pub(crate) fn equal(&self, one: &Answer, other: &Answer) -> bool {
        self.at(one, other, 0)
    }

    fn at(&self, one: &Answer, other: &Answer, depth: u32) -> bool {
        if one == other {
            return true;
        }
        if depth > 12 {
            return false;
        }
        if self.names_differ(one, other) {
            // `y = 2x` and `x = y/2` say the same.
            return self.as_equations(one, other);
        }
        self.items(one, other, depth) || self.as_equations(one, other)
    }

    fn names_differ(&self, one: &Answer, other: &Answer) -> bool {
        match (&one.name, &other.name) {
            (Some(one), Some(other)) => head(one) != head(other),
            (None, None) => false,
            _ => self.config.assignments == Assignments::Whole,
        }
    }

    /// Both as `left - right = 0`, if that is what they are.
    fn as_equations(&self, one: &Answer, other: &Answer) -> bool {
        // An assignment to a name is an equation if the other is one by itself, or gives a value to another letter.
        let involved = |answer: &Answer| answer.name.is_some() || matches!(answer.item, Item::Relation(..));
        if !involved(one) || !involved(other) || (one.name.is_some() && one.name == other.name) {
            return false;
        }
        match (equation(one), equation(other)) {
            (Some(one), Some(other)) => value::is_multiple(&one, &other, false),
            _ => false,
        }
    }

    fn items(&self, one: &Answer, other: &Answer, depth: u32) -> bool {
        let (one, other) = (&expanded(one), &expanded(other));
        if let Some(equal) = self.by_kind(one, other, depth).or_else(|| self.by_kind(other, one, depth)) {
            return equal;
        }
        // Sets of numbers by another name: inequalities, intervals, unions.
        if (is_region(one) || is_region(other))
            && let (Some(one), Some(other)) = (interval::region(one), interval::region(other))
        {
            return self.regions(&one, &other);
        }
        false
    }

    /// What the kinds of the two decide; none where they say nothing, this way round.
    fn by_kind(&self, one: &Answer, other: &Answer, depth: u32) -> Option<bool> {
        let equal = |one: &Answer, other: &Answer| self.at(one, other, depth + 1);
        Some(match (&one.item, &other.item) {
            (Item::Expression(a), Item::Expression(b)) => self.quantities(one, a, other, b),
            (Item::Choice(a, _), Item::Choice(b, _)) => a == b,
            (Item::Choice(a, _), Item::Expression(Expression::Variable(b))) => b.eq_ignore_ascii_case(&a.to_string()),
            // The letters that are numbers elsewhere.
            (Item::Choice('E', _), Item::Expression(Expression::Constant(Constant::E)))
            | (Item::Choice('I', _), Item::Expression(Expression::Constant(Constant::I))) => true,
            (Item::Choice(_, text), Item::Words(words)) => !text.is_empty() && text == words,
            (Item::Words(a), Item::Words(b)) => !a.is_empty() && a == b,
            (Item::List(a), Item::List(b)) => self.lists(a, b, depth),
            (Item::Set(a), Item::Set(b)) => each_in(a, b, &equal) && each_in(b, a, &equal),
            (Item::Set(a), Item::List(b)) if self.config.sets == Sets::AsLists => {
                each_in(a, b, &equal) && each_in(b, a, &equal)
            }
            // One solution, in braces.
            (Item::Set(a), Item::Expression(_) | Item::Bracket(..)) if self.config.sets == Sets::AsLists => {
                matches!(a.as_slice(), [only] if equal(only, other))
            }
            (Item::List(a), Item::Bracket('(', ')', b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b))
            }
            (Item::Bracket(open, close, a), Item::Bracket(open_other, close_other, b)) => {
                open == open_other
                    && close == close_other
                    && a.len() == b.len()
                    && a.iter().zip(b).all(|(a, b)| equal(a, b))
            }
            (Item::Matrix(a), Item::Matrix(b)) => {
                a.len() == b.len()
                    && a.iter()
                        .zip(b)
                        .all(|(a, b)| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| self.values(a, b)))
            }
            (Item::Ratio(a), Item::Ratio(b)) => {
                a.len() == b.len()
                    && (a == b
                        || a.iter().zip(b).skip(1).all(|(x, y)| match (a.first(), b.first()) {
                            (Some(a), Some(b)) => {
                                let left = Expression::product([a.clone(), y.clone()]);
                                let right = Expression::product([b.clone(), x.clone()]);
                                !is_zero(x) && !is_zero(y) && self.values(&left, &right)
                            }
                            _ => false,
                        }))
            }
            (Item::Ratio(parts), Item::Expression(b)) => match parts.as_slice() {
                [above, below] if !is_zero(below) && !b.any(|part| matches!(part, Expression::Decimal(..))) => {
                    one.unit.is_none() && other.unit.is_none() && self.values(&above.clone().quotient(below.clone()), b)
                }
                _ => false,
            },
            (Item::Relation(a, a_rest), Item::Relation(b, b_rest)) => {
                return self.relations((a, a_rest), (b, b_rest)).then_some(true);
            }
            _ => return None,
        })
    }

    /// Lists without brackets: the order says nothing, unless it has to stand for the names.
    fn lists(&self, one: &[Answer], other: &[Answer], depth: u32) -> bool {
        let equal = |one: &Answer, other: &Answer| self.at(one, other, depth + 1);
        let named = |list: &[Answer]| {
            let mut names: Vec<&String> = list.iter().filter_map(|answer| answer.name.as_ref()).collect();
            names.sort();
            names.dedup();
            names.len() == list.len()
        };
        let by_place = self.config.lists == Lists::Ordered || named(one) != named(other);
        if by_place {
            return one.len() == other.len() && one.iter().zip(other).all(|(one, other)| equal(one, other));
        }
        // What is said twice is said once.
        each_in(one, other, &equal) && each_in(other, one, &equal)
    }

    fn relations(&self, one: (&Answer, &[(Relation, Answer)]), other: (&Answer, &[(Relation, Answer)])) -> bool {
        let ([(relation, right)], [(other_relation, other_right)]) = (one.1, other.1) else {
            // Chains: side by side, as they stand or turned.
            let sides = |chain: (&Answer, &[(Relation, Answer)])| {
                let mut sides = vec![chain.0.clone()];
                sides.extend(chain.1.iter().map(|(_, side)| side.clone()));
                sides
            };
            let relations =
                |chain: &[(Relation, Answer)]| chain.iter().map(|(relation, _)| *relation).collect::<Vec<_>>();
            let (a, b) = (sides(one), sides(other));
            let turned: Vec<Relation> = relations(other.1).into_iter().rev().map(Relation::turned).collect();
            let equal =
                |a: &[Answer], b: &[Answer]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| self.items(a, b, 8));
            let reversed: Vec<Answer> = b.iter().rev().cloned().collect();
            return (relations(one.1) == relations(other.1) && equal(&a, &b))
                || (relations(one.1) == turned && equal(&a, &reversed));
        };
        let (Some(a), Some(b)) = (difference(one.0, right), difference(other.0, other_right)) else { return false };
        match (relation, other_relation) {
            (Relation::Equal, Relation::Equal) | (Relation::NotEqual, Relation::NotEqual) => {
                value::is_multiple(&a, &b, false)
            }
            (a_relation, b_relation) if a_relation.is_order() && b_relation.is_order() => {
                (a_relation == b_relation && value::is_multiple(&a, &b, true))
                    || (*a_relation == b_relation.turned() && value::is_multiple(&a, &b.negated(), true))
            }
            _ => false,
        }
    }

    fn regions(&self, one: &[Interval], other: &[Interval]) -> bool {
        let end = |one: &Expression, other: &Expression| match (one.infinite(), other.infinite()) {
            (None, None) => self.values(one, other),
            (one, other) => one == other,
        };
        one.len() == other.len()
            && one.iter().zip(other).all(|(one, other)| {
                one.closed_low == other.closed_low
                    && one.closed_high == other.closed_high
                    && end(&one.low, &other.low)
                    && end(&one.high, &other.high)
            })
    }

    /// Values with their units.
    fn quantities(&self, one: &Answer, a: &Expression, other: &Answer, b: &Expression) -> bool {
        let is_percent = |answer: &Answer| answer.unit.as_deref() == Some("%");
        let hundredth = |value: &Expression| match value.written() {
            Some(number) => Expression::Number(number / Rational::from_integer(100.into())),
            None => value.clone().quotient(Expression::whole(100)),
        };
        match (is_percent(one), is_percent(other)) {
            (true, true) => return self.values(a, b),
            (true, false) if other.unit.is_none() => {
                return self.values(&hundredth(a), b) || (self.config.percent == Percent::Either && self.values(a, b));
            }
            (false, true) if one.unit.is_none() => {
                return self.values(a, &hundredth(b)) || (self.config.percent == Percent::Either && self.values(a, b));
            }
            (false, false) => {}
            _ => return false,
        }
        match (&one.unit, &other.unit) {
            (Some(a_unit), Some(b_unit)) if a_unit != b_unit => match (unit::scale(a_unit), unit::scale(b_unit)) {
                (Some((a_kind, a_scale)), Some((b_kind, b_scale))) => {
                    let scaled = |value: &Expression, (above, below): (i64, i64)| {
                        let scale = Rational::new(above.into(), below.into());
                        match value.written() {
                            Some(number) => Expression::Number(number * scale),
                            None => Expression::product([Expression::Number(scale), value.clone()]),
                        }
                    };
                    a_kind == b_kind && self.values(&scaled(a, a_scale), &scaled(b, b_scale))
                }
                // Words that are no units, such as what is counted.
                _ => self.config.units == Units::Ignore && self.values(a, b),
            },
            (None, Some(_)) | (Some(_), None) if self.config.units == Units::Require => false,
            _ => self.values(a, b),
        }
    }

    fn values(&self, one: &Expression, other: &Expression) -> bool {
        let is_numeric =
            |value: &Expression| !value.any(|part| matches!(part, Expression::Variable(_) | Expression::Call(..)));
        if let (Some(a), Some(b)) = (one.written(), other.written())
            && a == b
        {
            return true;
        }
        let decimals = |value: &Expression| matches!(value, Expression::Decimal(..));
        if is_numeric(one) && is_numeric(other) {
            if self.config.tolerance > 0.0 && self.within_tolerance(one, other) {
                return true;
            }
            if decimals(one) != decimals(other) && (rounds_to(one, other) || rounds_to(other, one)) {
                return true;
            }
        }
        if let (Some(_), Some(_)) = (one.written(), other.written()) {
            return false;
        }
        value::equal(one, other)
    }

    fn within_tolerance(&self, one: &Expression, other: &Expression) -> bool {
        match (value::constant(one), value::constant(other)) {
            (Some((a, _)), Some((b, _))) => (a - b).abs() <= self.config.tolerance * a.abs().max(b.abs()),
            _ => false,
        }
    }
}

/// Whether a decimal number is what the other value is when it is rounded, or cut, to its digits.
fn rounds_to(decimal: &Expression, value: &Expression) -> bool {
    let Expression::Decimal(number, places) = decimal else { return false };
    let digits = (number.abs() * Rational::from_integer(BigInt::from(10).pow(*places))).to_integer().to_string();
    if digits.trim_start_matches('0').len() < FEWEST_DIGITS || *places > 300 {
        return false;
    }
    let unit = Rational::new(1.into(), BigInt::from(10).pow(*places));
    if let Some(exact) = value::rational(value) {
        return (number - exact).abs() < unit;
    }
    let Some((value, error)) = value::constant(value) else { return false };
    let number = number::float(number);
    let unit = unit.to_f64().unwrap_or(0.0);
    // Of more digits than a float has, those that it has must agree.
    (number - value).abs() < unit.max(2.0 * error + number.abs() * 1e-15)
}

fn is_zero(value: &Expression) -> bool {
    value.written().is_some_and(Zero::is_zero)
}

/// What a name is of: the `W` of `W(n)`.
fn head(name: &str) -> &str {
    name.split_once('(').map_or(name, |(head, _)| head)
}

/// `left - right`, if both are values.
fn difference(left: &Answer, right: &Answer) -> Option<Expression> {
    match (&left.item, &right.item) {
        (Item::Expression(left), Item::Expression(right)) => {
            Some(Expression::sum([left.clone(), right.clone().negated()]))
        }
        _ => None,
    }
}

fn equation(answer: &Answer) -> Option<Expression> {
    match (&answer.name, &answer.item) {
        (Some(name), Item::Expression(value)) => {
            // Names of one letter only: others are no part of an equation.
            let letter = name.chars().filter(|char| char.is_alphabetic()).count() == 1 && !name.contains('(');
            let left = Expression::Variable(name.clone());
            // A number on the right is a value, and no equation in letters.
            letter.then(|| Expression::sum([left, value.clone().negated()]))
        }
        (None, Item::Relation(left, rest)) => match rest.as_slice() {
            [(Relation::Equal, right)] => difference(left, right),
            _ => None,
        },
        _ => None,
    }
}

/// An answer with ± as the list of two that it stands for; a list in a list as one.
fn expanded(answer: &Answer) -> Answer {
    let same = |item: Item| Answer { item, ..answer.clone() };
    match &answer.item {
        Item::Expression(value) => match value.both_signs() {
            Some(both) => same(Item::List(both.into_iter().map(Answer::value).collect())),
            None => answer.clone(),
        },
        Item::List(items) | Item::Set(items) if items.iter().any(has_both_signs) => {
            let items = items
                .iter()
                .flat_map(|item| match expanded(item).item {
                    Item::List(both) if has_both_signs(item) => both,
                    _ => vec![item.clone()],
                })
                .collect();
            same(if matches!(answer.item, Item::List(_)) { Item::List(items) } else { Item::Set(items) })
        }
        _ => answer.clone(),
    }
}

fn has_both_signs(answer: &Answer) -> bool {
    matches!(&answer.item, Item::Expression(value) if value.any(|part| matches!(part, Expression::PlusMinus(..))))
}

fn is_region(answer: &Answer) -> bool {
    match &answer.item {
        Item::Relation(_, rest) => rest.iter().any(|(relation, _)| *relation != Relation::Equal),
        Item::Union(_) | Item::Except(..) => true,
        Item::List(items) => !items.is_empty() && items.iter().all(is_region),
        _ => false,
    }
}

fn each_in(one: &[Answer], other: &[Answer], equal: &dyn Fn(&Answer, &Answer) -> bool) -> bool {
    one.iter().all(|one| other.iter().any(|other| equal(one, other)))
}
