//! Expressions and answers as text that reads back as the same.

use std::fmt::Write;

use crate::answer::{Answer, Item};
use crate::value::expression::{Constant, Expression};
use crate::value::number::Rational;
use num_traits::One;

/// An expression in plain notation, with every bracket written.
pub(crate) fn expression(expression: &Expression) -> String {
    let mut out = String::new();
    write(expression, &mut out);
    out
}

fn number(number: &Rational, out: &mut String) {
    let _ = match number.denom().is_one() {
        true => write!(out, "{}", number.numer()),
        false => write!(out, "({}*({})^{{-1}})", number.numer(), number.denom()),
    };
}

fn write(expression: &Expression, out: &mut String) {
    match expression {
        Expression::Number(value) => number(value, out),
        Expression::Decimal(value, places) => {
            let _ = write!(out, "{}", decimal(value, *places));
        }
        Expression::Constant(constant) => out.push_str(match constant {
            Constant::Pi => "\\pi ",
            Constant::E => "e",
            Constant::I => "i",
            Constant::Infinity => "\\infty ",
        }),
        Expression::Variable(name) => {
            out.push_str(name);
            if name.starts_with('\\') && !name.ends_with('}') {
                out.push(' ');
            }
        }
        Expression::Sum(parts) => joined(parts, "+", out),
        Expression::Product(parts) => joined(parts, "*", out),
        Expression::Power(base, exponent) => {
            out.push('(');
            write(base, out);
            out.push_str(")^{");
            write(exponent, out);
            out.push('}');
        }
        Expression::Function(function, inside) => {
            let _ = write!(out, "\\operatorname{{{}}}(", function.name());
            write(inside, out);
            out.push(')');
        }
        // Over an index: above it, and what follows.
        Expression::Call(name, arguments) if name.starts_with('\\') && name.ends_with('}') && name.contains("_{") => {
            out.push_str(name);
            if let [above, _] = arguments.as_slice() {
                out.push_str("^{");
                write(above, out);
                out.push('}');
            }
            out.push_str(" (");
            arguments.last().into_iter().for_each(|body| write(body, out));
            out.push(')');
        }
        Expression::Call(name, arguments) => {
            let _ = write!(out, "{name}(");
            for (at, argument) in arguments.iter().enumerate() {
                if at > 0 {
                    out.push_str(", ");
                }
                write(argument, out);
            }
            out.push(')');
        }
        Expression::PlusMinus(turned, inside) => {
            out.push_str(if *turned { "(\\mp " } else { "(\\pm " });
            write(inside, out);
            out.push(')');
        }
    }
}

fn joined(parts: &[Expression], sign: &str, out: &mut String) {
    out.push('(');
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            out.push_str(sign);
        }
        // No two signs after each other.
        let brackets = part.written().is_some_and(|_| at > 0 && part.is_negative());
        if brackets {
            out.push('(');
        }
        write(part, out);
        if brackets {
            out.push(')');
        }
    }
    out.push(')');
}

/// A number with so many digits behind the point, of which it has no more.
fn decimal(value: &Rational, places: u32) -> String {
    use num_traits::Signed;
    let scaled = (value.abs() * Rational::from_integer(num_bigint::BigInt::from(10).pow(places))).to_integer();
    let places = places as usize;
    let digits = format!("{:0>width$}", scaled.to_string(), width = places + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places);
    let sign = if value.is_negative() { "-" } else { "" };
    format!("{sign}{whole}.{fraction}")
}

/// An answer in plain notation.
pub(crate) fn answer(answer: &Answer) -> String {
    let list = |items: &[Answer]| items.iter().map(self::answer).collect::<Vec<_>>().join(", ");
    let mut text = match &answer.item {
        Item::Expression(value) => expression(value),
        Item::List(items) => {
            let part = |part: &Answer| match &part.item {
                Item::List(inner) => list(inner),
                _ => self::answer(part),
            };
            items.iter().map(part).collect::<Vec<_>>().join("; ")
        }
        Item::Set(items) => format!("\\{{{}\\}}", list(items)),
        Item::Bracket(open, close, items) => format!("{open}{}{close}", list(items)),
        Item::Union(parts) => parts.iter().map(self::answer).collect::<Vec<_>>().join(" \\cup "),
        Item::Except(whole, without) => format!("{} \\setminus {}", self::answer(whole), self::answer(without)),
        Item::Relation(first, rest) => {
            let mut text = self::answer(first);
            for (relation, side) in rest {
                let _ = write!(text, " {} {}", relation.sign(), self::answer(side));
            }
            text
        }
        Item::Matrix(rows) => {
            let rows: Vec<String> =
                rows.iter().map(|row| row.iter().map(expression).collect::<Vec<_>>().join(" & ")).collect();
            format!("\\begin{{pmatrix}}{}\\end{{pmatrix}}", rows.join(" \\\\ "))
        }
        Item::Ratio(parts) => parts.iter().map(expression).collect::<Vec<_>>().join(" : "),
        Item::Choice(letter, text) if text.is_empty() => format!("({letter})"),
        Item::Choice(letter, text) => format!("({letter}) \\text{{{text}}}"),
        Item::Words(words) => format!("\\text{{{words}}}"),
    };
    if let Some(unit) = &answer.unit {
        let _ = match unit.as_str() {
            "%" => write!(text, "\\%"),
            "°" => write!(text, "^\\circ"),
            unit => write!(text, " \\text{{ {unit}}}"),
        };
    }
    if let Some(name) = &answer.name {
        text = format!("{name} = {text}");
    }
    text
}
