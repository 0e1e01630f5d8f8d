//! Sets of real numbers as intervals: what inequalities, unions and differences come to.

use num_traits::{Signed, Zero};

use crate::answer::{Answer, Item, Relation};
use crate::value;
use crate::value::expression::{Constant, Expression, Function};

/// Everything between two ends.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Interval {
    pub low: Expression,
    pub high: Expression,
    pub closed_low: bool,
    pub closed_high: bool,
}

/// Most intervals of a set.
const MOST: usize = 40;

fn infinity(positive: bool) -> Expression {
    let infinity = Expression::Constant(Constant::Infinity);
    if positive { infinity } else { infinity.negated() }
}

/// The set that an answer stands for, if its ends are numbers: intervals from left to right that do not touch.
pub(crate) fn region(answer: &Answer) -> Option<Vec<Interval>> {
    let mut parts = intervals(answer, 0)?;
    let mut keyed = Vec::new();
    for part in parts.drain(..) {
        keyed.push((position(&part.low)?, position(&part.high)?, part));
    }
    keyed.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let mut merged: Vec<(f64, f64, Interval)> = Vec::new();
    for (low, high, part) in keyed {
        // Ends that are the same number are told so by their values only, not by their digits.
        if let Some((_, last_high, last)) = merged.last_mut()
            && (low < *last_high - 1e-9 * last_high.abs().max(1.0)
                || (same(&part.low, &last.high) && (part.closed_low || last.closed_high)))
        {
            if high > *last_high {
                last.high = part.high;
                last.closed_high = part.closed_high;
                *last_high = high;
            } else if same(&part.high, &last.high) {
                last.closed_high |= part.closed_high;
            }
            continue;
        }
        merged.push((low, high, part));
    }
    Some(merged.into_iter().map(|(_, _, part)| part).collect())
}

fn same(one: &Expression, other: &Expression) -> bool {
    one.infinite().is_none() && other.infinite().is_none() && value::equal(one, other)
}

fn position(end: &Expression) -> Option<f64> {
    match end.infinite() {
        Some(true) => Some(f64::INFINITY),
        Some(false) => Some(f64::NEG_INFINITY),
        None => value::constant(end).map(|(value, _)| value),
    }
}

fn intervals(answer: &Answer, depth: u32) -> Option<Vec<Interval>> {
    if depth > 6 {
        return None;
    }
    let all = || Interval { low: infinity(false), high: infinity(true), closed_low: false, closed_high: false };
    match &answer.item {
        Item::Bracket(open, close, ends) => match ends.as_slice() {
            [low, high] => {
                let (Item::Expression(low), Item::Expression(high)) = (&low.item, &high.item) else { return None };
                Some(vec![Interval {
                    low: low.clone(),
                    high: high.clone(),
                    closed_low: *open == '[',
                    closed_high: *close == ']',
                }])
            }
            _ => None,
        },
        Item::Set(points) => points
            .iter()
            .map(|point| match &point.item {
                Item::Expression(point) => {
                    Some(Interval { low: point.clone(), high: point.clone(), closed_low: true, closed_high: true })
                }
                _ => None,
            })
            .collect(),
        Item::Union(parts) | Item::List(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(intervals(part, depth + 1)?);
                if all.len() > MOST {
                    return None;
                }
            }
            Some(all)
        }
        Item::Except(whole, without) => {
            let holes = intervals(without, depth + 1)?;
            let mut left = intervals(whole, depth + 1)?;
            for hole in holes {
                // Points only: anything else is hardly ever written so.
                if !same(&hole.low, &hole.high) {
                    return None;
                }
                left = left.into_iter().flat_map(|part| cut(part, &hole.low)).collect();
                if left.len() > MOST {
                    return None;
                }
            }
            Some(left)
        }
        Item::Expression(Expression::Variable(name)) if name == "\\mathbb{R}" => Some(vec![all()]),
        Item::Relation(first, rest) => of_relation(first, rest),
        _ => None,
    }
}

/// Whether it is a letter with a factor or a term, and not the letter by itself.
fn is_linear(side: &Expression) -> bool {
    matches!(side, Expression::Sum(_) | Expression::Product(_)) && value::linear(side).is_some()
}

/// What is left of an interval without a point of it.
fn cut(part: Interval, point: &Expression) -> Vec<Interval> {
    let (Some(low), Some(at), Some(high)) = (position(&part.low), position(point), position(&part.high)) else {
        return vec![part];
    };
    if same(&part.low, point) {
        return vec![Interval { closed_low: false, ..part }];
    }
    if same(&part.high, point) {
        return vec![Interval { closed_high: false, ..part }];
    }
    if at <= low || at >= high {
        return vec![part];
    }
    vec![
        Interval { high: point.clone(), closed_high: false, ..part.clone() },
        Interval { low: point.clone(), closed_low: false, ..part },
    ]
}

/// `x > 2`, `1 \leq x < 3`, `|x| < 2`, `x \neq 0`: one letter, or a function of one, against numbers.
fn of_relation(first: &Answer, rest: &[(Relation, Answer)]) -> Option<Vec<Interval>> {
    let value = |answer: &Answer| match &answer.item {
        Item::Expression(value) => Some(value.clone()),
        _ => None,
    };
    let is_number = |value: &Expression| value.infinite().is_some() || value::constant(value).is_some();
    let (subject, bounds) = match rest {
        [(relation, right)] => {
            let (left, right) = (value(first)?, value(right)?);
            match (is_number(&left), is_number(&right)) {
                (false, true) if !is_linear(&left) => (left, vec![(*relation, right)]),
                (true, false) if !is_linear(&right) => (right, vec![(relation.turned(), left)]),
                // `-2x + 1 \leq 5`
                _ => {
                    let (letter, factor, rest) = value::linear(&Expression::sum([left, right.negated()]))?;
                    let bound = Expression::product([Expression::Number(-factor.recip()), rest]);
                    let bound = value::rational(&bound).map_or(bound, Expression::Number);
                    let relation = if factor.is_negative() { relation.turned() } else { *relation };
                    (letter, vec![(relation, bound)])
                }
            }
        }
        [(low, middle), (high, right)] => {
            let (left, middle, right) = (value(first)?, value(middle)?, value(right)?);
            let rising = |relation: &Relation| matches!(relation, Relation::Less | Relation::LessEqual);
            if !low.is_order()
                || !high.is_order()
                || rising(low) != rising(high)
                || !is_number(&left)
                || !is_number(&right)
            {
                return None;
            }
            (middle, vec![(low.turned(), left), (*high, right)])
        }
        _ => return None,
    };
    let absolute = match &subject {
        Expression::Variable(_) | Expression::Call(..) => None,
        Expression::Function(Function::Abs, inside) if matches!(**inside, Expression::Variable(_)) => Some(()),
        _ => return None,
    };
    let mut interval = Interval { low: infinity(false), high: infinity(true), closed_low: false, closed_high: false };
    for (relation, bound) in bounds {
        match relation {
            Relation::Less | Relation::LessEqual => {
                interval.closed_high = relation == Relation::LessEqual && bound.infinite().is_none();
                interval.high = bound;
            }
            Relation::Greater | Relation::GreaterEqual => {
                interval.closed_low = relation == Relation::GreaterEqual && bound.infinite().is_none();
                interval.low = bound;
            }
            Relation::NotEqual if absolute.is_none() => return Some(cut(interval, &bound)),
            _ => return None,
        }
    }
    if absolute.is_none() {
        return Some(vec![interval]);
    }
    // Of the absolute value: the same to the left of zero.
    let negated = |end: &Expression| match end.written() {
        Some(number) if number.is_zero() => end.clone(),
        _ => end.clone().negated(),
    };
    match interval.low.infinite() {
        Some(false) => {
            Some(vec![Interval { low: negated(&interval.high), closed_low: interval.closed_high, ..interval }])
        }
        _ => Some(vec![
            Interval {
                low: if interval.high.infinite().is_some() { infinity(false) } else { negated(&interval.high) },
                high: negated(&interval.low),
                closed_low: interval.closed_high,
                closed_high: interval.closed_low,
            },
            interval,
        ]),
    }
}
