//! Words that mean something to mathematics.

use crate::value::expression::{Expression, Function};

/// Functions of one argument, by all their names.
const FUNCTIONS: [(&str, Function); 29] = [
    ("sin", Function::Sin),
    ("cos", Function::Cos),
    ("tan", Function::Tan),
    ("tg", Function::Tan),
    ("arcsin", Function::Arcsin),
    ("arccos", Function::Arccos),
    ("arctan", Function::Arctan),
    ("arctg", Function::Arctan),
    ("asin", Function::Arcsin),
    ("acos", Function::Arccos),
    ("atan", Function::Arctan),
    ("sinh", Function::Sinh),
    ("cosh", Function::Cosh),
    ("tanh", Function::Tanh),
    ("ln", Function::Ln),
    ("abs", Function::Abs),
    ("floor", Function::Floor),
    ("ceil", Function::Ceiling),
    ("factorial", Function::Factorial),
    ("indegrees", Function::Degrees),
    ("Sin", Function::Sin),
    ("Cos", Function::Cos),
    ("Tan", Function::Tan),
    ("Arctan", Function::Arctan),
    ("Arcsin", Function::Arcsin),
    ("Arccos", Function::Arccos),
    ("Ln", Function::Ln),
    ("sh", Function::Sinh),
    ("ch", Function::Cosh),
];

/// Functions that are one divided by another.
const INVERSES: [(&str, Function); 4] =
    [("sec", Function::Cos), ("csc", Function::Sin), ("cot", Function::Tan), ("ctg", Function::Tan)];

/// Other functions, which the reader knows.
const OTHERS: [&str; 6] = ["sqrt", "log", "lg", "exp", "lb", "cbrt"];

/// Returns whether a word or a command is the name of a function.
pub(crate) fn is_function(name: &str) -> bool {
    FUNCTIONS.iter().any(|(other, _)| *other == name)
        || INVERSES.iter().any(|(other, _)| *other == name)
        || OTHERS.contains(&name)
}

/// A function of an argument. None for a name that is none.
pub(crate) fn applied(name: &str, argument: &Expression) -> Option<Expression> {
    if let Some((_, function)) = FUNCTIONS.iter().find(|(other, _)| *other == name) {
        return Some(Expression::of(*function, argument.clone()));
    }
    if let Some((_, function)) = INVERSES.iter().find(|(other, _)| *other == name) {
        return Some(Expression::whole(1).quotient(Expression::of(*function, argument.clone())));
    }
    let ln = |of: Expression| Expression::of(Function::Ln, of);
    Some(match name {
        "sqrt" => argument.clone().root(Expression::whole(2)),
        "cbrt" => argument.clone().root(Expression::whole(3)),
        "exp" => Expression::Constant(crate::value::expression::Constant::E).power(argument.clone()),
        "lg" => ln(argument.clone()).quotient(ln(Expression::whole(10))),
        "lb" => ln(argument.clone()).quotient(ln(Expression::whole(2))),
        // Without a base the natural one, as in most of mathematics.
        "log" => ln(argument.clone()),
        _ => return None,
    })
}

/// The inverse of a function, which `f^{-1}` names.
pub(crate) fn inverse(name: &str) -> Option<&'static str> {
    Some(match name {
        "sin" => "arcsin",
        "cos" => "arccos",
        "tan" => "arctan",
        _ => return None,
    })
}
