//! Matrices, with sums and products of them.

use crate::read::token::Token;
use crate::read::{Reader, Unreadable};
use crate::value::expression::Expression;

/// Rows of a matrix, all of one length.
type Rows = Vec<Vec<Expression>>;

/// Most entries of a matrix.
const MOST_ENTRIES: usize = 100;

const ENVIRONMENTS: [&str; 8] =
    ["matrix", "pmatrix", "bmatrix", "Bmatrix", "array", "smallmatrix", "psmallmatrix", "bsmallmatrix"];

/// Reads a matrix, or a sum of products of numbers and matrices. Determinants (`vmatrix`) are none.
pub(crate) fn read(tokens: &[Token], plain: bool) -> Result<Rows, Unreadable> {
    let tokens: Vec<&Token> = tokens.iter().filter(|token| !matches!(token, Token::Space(_))).collect();
    let mut sum: Option<Rows> = None;
    let mut rest = tokens.as_slice();
    loop {
        let mut negative = false;
        while let [Token::Sign(sign @ ('+' | '-')), after @ ..] = rest {
            negative ^= *sign == '-';
            rest = after;
        }
        let (mut product, after) = product(rest, plain)?;
        rest = after;
        if negative {
            product = scaled(&product, &Expression::whole(-1));
        }
        sum = Some(match sum {
            None => product,
            Some(sum) => added(&sum, &product)?,
        });
        match rest {
            [] => return sum.ok_or(Unreadable),
            [Token::Sign('+' | '-'), ..] => {}
            _ => return Err(Unreadable),
        }
    }
}

fn product<'a>(mut tokens: &'a [&'a Token], plain: bool) -> Result<(Rows, &'a [&'a Token]), Unreadable> {
    let begin = tokens.iter().position(|token| matches!(token, Token::Begin(_))).ok_or(Unreadable)?;
    // `\left( \begin{array} … \end{array} \right)`, `2 \begin{pmatrix} … \end{pmatrix}`
    let mut before: Vec<Token> = tokens.get(..begin).unwrap_or_default().iter().map(|token| (*token).clone()).collect();
    let bracket = match before.last() {
        Some(Token::Sign(open @ ('(' | '['))) => {
            let open = *open;
            before.pop();
            Some(if open == '(' { ')' } else { ']' })
        }
        _ => None,
    };
    if matches!(before.last(), Some(Token::Sign('*'))) {
        before.pop();
    }
    let mut product: Option<Rows> = None;
    tokens = tokens.get(begin..).unwrap_or_default();
    while let [Token::Begin(name), after @ ..] = tokens {
        if !ENVIRONMENTS.contains(&name.as_str()) {
            return Err(Unreadable);
        }
        let mut depth = 0_i32;
        let end = after.iter().position(|token| {
            match token {
                Token::Begin(_) => depth += 1,
                Token::End(_) => depth -= 1,
                _ => {}
            }
            depth < 0
        });
        let end = end.ok_or(Unreadable)?;
        let matrix = rows(after.get(..end).unwrap_or_default(), plain)?;
        tokens = after.get(end + 1..).unwrap_or_default();
        if product.is_none()
            && let Some(close) = bracket
        {
            match tokens {
                [Token::Sign(sign), rest @ ..] if *sign == close => tokens = rest,
                _ => return Err(Unreadable),
            }
        }
        if let [Token::Sign('^'), Token::Letter(letter), rest @ ..] = tokens
            && letter == "T"
        {
            product = Some(transposed(&matrix));
            tokens = rest;
            continue;
        }
        product = Some(match product {
            None => matrix,
            Some(left) => multiplied(&left, &matrix)?,
        });
        if let [Token::Sign('*'), rest @ ..] = tokens {
            tokens = rest;
        }
    }
    let product = product.ok_or(Unreadable)?;
    if before.is_empty() {
        return Ok((product, tokens));
    }
    let mut reader = Reader::new(&before, plain);
    let factor = reader.expression()?;
    if reader.rest().is_empty() { Ok((scaled(&product, &factor), tokens)) } else { Err(Unreadable) }
}

fn rows(tokens: &[&Token], plain: bool) -> Result<Rows, Unreadable> {
    let mut rows: Rows = Vec::new();
    let mut entries = 0;
    for row in tokens.split(|token| **token == Token::Row) {
        let row: Vec<&Token> =
            row.iter().copied().filter(|token| !matches!(token, Token::Command(name) if name == "hline")).collect();
        if row.is_empty() {
            continue;
        }
        let mut read = Vec::new();
        for entry in row.split(|token| **token == Token::Sign('&')) {
            let entry: Vec<Token> = entry.iter().map(|token| (*token).clone()).collect();
            let mut reader = Reader::new(&entry, plain);
            read.push(reader.expression()?);
            entries += 1;
            if !reader.rest().is_empty() || entries > MOST_ENTRIES {
                return Err(Unreadable);
            }
        }
        rows.push(read);
    }
    let width = rows.first().map(Vec::len).filter(|width| *width > 0).ok_or(Unreadable)?;
    if rows.iter().all(|row| row.len() == width) { Ok(rows) } else { Err(Unreadable) }
}

fn scaled(matrix: &Rows, factor: &Expression) -> Rows {
    let entry = |entry: &Expression| Expression::product([factor.clone(), entry.clone()]);
    matrix.iter().map(|row| row.iter().map(entry).collect()).collect()
}

fn transposed(matrix: &Rows) -> Rows {
    let width = matrix.first().map_or(0, Vec::len);
    (0..width).map(|column| matrix.iter().filter_map(|row| row.get(column).cloned()).collect()).collect()
}

fn added(left: &Rows, right: &Rows) -> Result<Rows, Unreadable> {
    if left.len() != right.len() || left.first().map(Vec::len) != right.first().map(Vec::len) {
        return Err(Unreadable);
    }
    let row = |(left, right): (&Vec<Expression>, &Vec<Expression>)| {
        left.iter().zip(right).map(|(a, b)| Expression::sum([a.clone(), b.clone()])).collect()
    };
    Ok(left.iter().zip(right).map(row).collect())
}

fn multiplied(left: &Rows, right: &Rows) -> Result<Rows, Unreadable> {
    let columns = transposed(right);
    if left.first().map(Vec::len) != Some(right.len()) || left.len() * columns.len() > MOST_ENTRIES {
        return Err(Unreadable);
    }
    let cell = |row: &Vec<Expression>, column: &Vec<Expression>| {
        Expression::sum(row.iter().zip(column).map(|(a, b)| Expression::product([a.clone(), b.clone()])))
    };
    Ok(left.iter().map(|row| columns.iter().map(|column| cell(row, column)).collect()).collect())
}
