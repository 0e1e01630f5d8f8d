//! Units: which texts are some, and how many of one are one of another.

/// Base of a kind of quantity, the unit's names, and how many of the base it is, as a fraction.
const UNITS: [(&str, &[&str], (i64, i64)); 47] = [
    ("m", &["m", "meter", "meters", "metre", "metres"], (1, 1)),
    ("m", &["km", "kilometer", "kilometers", "kilometre", "kilometres"], (1000, 1)),
    ("m", &["dm", "decimeter", "decimeters"], (1, 10)),
    ("m", &["cm", "centimeter", "centimeters", "centimetre", "centimetres"], (1, 100)),
    ("m", &["mm", "millimeter", "millimeters", "millimetre", "millimetres"], (1, 1000)),
    ("inch", &["in", "inch", "inches"], (1, 1)),
    ("inch", &["ft", "foot", "feet"], (12, 1)),
    ("inch", &["yd", "yard", "yards"], (36, 1)),
    ("inch", &["mi", "mile", "miles"], (63_360, 1)),
    ("g", &["g", "gram", "grams", "gm"], (1, 1)),
    ("g", &["kg", "kilogram", "kilograms", "kilos"], (1000, 1)),
    ("g", &["mg", "milligram", "milligrams"], (1, 1000)),
    ("g", &["t", "ton", "tons", "tonne", "tonnes"], (1_000_000, 1)),
    ("lb", &["lb", "lbs", "pound", "pounds"], (1, 1)),
    ("oz", &["oz", "ounce", "ounces"], (1, 1)),
    ("s", &["s", "sec", "secs", "second", "seconds"], (1, 1)),
    ("s", &["ms", "millisecond", "milliseconds"], (1, 1000)),
    ("s", &["min", "mins", "minute", "minutes"], (60, 1)),
    ("s", &["h", "hr", "hrs", "hour", "hours"], (3600, 1)),
    ("s", &["day", "days"], (86_400, 1)),
    ("s", &["week", "weeks"], (604_800, 1)),
    ("month", &["month", "months"], (1, 1)),
    ("month", &["year", "years", "yr", "yrs"], (12, 1)),
    ("l", &["l", "liter", "liters", "litre", "litres"], (1, 1)),
    ("l", &["ml", "milliliter", "milliliters", "millilitre", "millilitres"], (1, 1000)),
    ("usd", &["$", "dollar", "dollars", "usd", "us$"], (1, 1)),
    ("usd", &["cent", "cents", "¢"], (1, 100)),
    ("eur", &["€", "euro", "euros", "eur"], (1, 1)),
    ("gbp", &["£", "gbp"], (1, 1)),
    ("yen", &["¥", "yen", "yuan", "rmb", "cny", "元"], (1, 1)),
    ("inr", &["₹", "rupee", "rupees", "inr"], (1, 1)),
    ("°", &["°", "degree", "degrees", "deg"], (1, 1)),
    ("rad", &["rad", "radian", "radians"], (1, 1)),
    ("%", &["%", "percent", "pct", "percentage", "per cent"], (1, 1)),
    ("J", &["J", "joule", "joules"], (1, 1)),
    ("J", &["kJ", "kilojoule", "kilojoules"], (1000, 1)),
    ("N", &["N", "newton", "newtons"], (1, 1)),
    ("W", &["W", "watt", "watts"], (1, 1)),
    ("W", &["kW", "kilowatt", "kilowatts"], (1000, 1)),
    ("V", &["V", "volt", "volts"], (1, 1)),
    ("A", &["A", "ampere", "amperes", "amps"], (1, 1)),
    ("Pa", &["Pa", "pascal", "pascals"], (1, 1)),
    ("Hz", &["Hz", "hertz"], (1, 1)),
    ("K", &["K", "kelvin"], (1, 1)),
    ("C", &["C", "celsius"], (1, 1)),
    ("F", &["F", "fahrenheit"], (1, 1)),
    ("mol", &["mol", "mole", "moles"], (1, 1)),
];

/// Powers of a unit by a word in front of it.
const POWERS: [(&str, &str); 6] =
    [("square", "2"), ("sq", "2"), ("squared", "2"), ("cubic", "3"), ("cu", "3"), ("cubed", "3")];

fn find(name: &str) -> Option<(&'static str, (i64, i64))> {
    let exact = UNITS.iter().find(|(_, names, _)| names.contains(&name));
    let lower = name.to_lowercase();
    let found = exact.or_else(|| {
        (name.chars().count() > 2).then(|| UNITS.iter().find(|(_, names, _)| names.contains(&lower.as_str())))?
    });
    found.map(|(base, _, factor)| (*base, *factor))
}

/// Returns whether a word is a unit.
pub(crate) fn is_known(word: &str) -> bool {
    word.chars().count() > 1 && find(word).is_some()
}

/// Returns whether a single letter is one.
pub(crate) fn is_letter(letter: &str) -> bool {
    ["m", "g", "s", "h", "l", "L", "J", "N", "W", "V", "A", "K", "C", "F", "t"].contains(&letter)
}

/// A unit in one writing: words in lower case that are known by their base's names and powers, `km/h`, `m^2`.
pub(crate) fn normal(text: &str) -> String {
    let mut text =
        text.trim().trim_end_matches('.').replace(" per ", "/").replace("\\cdot", "*").replace(['{', '}', '\\'], "");
    for (word, power) in [("²", "^2"), ("³", "^3")] {
        text = text.replace(word, power);
    }
    let mut words: Vec<String> = Vec::new();
    let mut power = None;
    for word in text.split_whitespace() {
        match POWERS.iter().find(|(name, _)| word.eq_ignore_ascii_case(name)) {
            Some((_, exponent)) => match (word.to_lowercase().ends_with('d'), words.last_mut()) {
                (true, Some(last)) => *last = format!("{last}^{exponent}"),
                _ => power = Some(*exponent),
            },
            // `km h^-1`
            None if word.ends_with("^-1") && !words.is_empty() => {
                if let Some(last) = words.last_mut() {
                    *last = format!("{last}/{}", word.trim_end_matches("^-1"));
                }
            }
            None => words.push(match power.take() {
                Some(exponent) => format!("{word}^{exponent}"),
                None => word.to_owned(),
            }),
        }
    }
    let joined = words.join(" ");
    match joined.as_str() {
        "percent" | "pct" | "percentage" | "per cent" => "%".to_owned(),
        "degrees" | "degree" | "deg" => "°".to_owned(),
        _ => joined,
    }
}

/// What kind of quantity a unit is of, and how many of the kind's base it is. None for words that are no known unit.
pub(crate) fn scale(unit: &str) -> Option<(String, (i64, i64))> {
    let mut kind = String::new();
    let (mut above, mut below) = (1_i64, 1_i64);
    let mut inverse = false;
    for (at, side) in unit.split('/').enumerate() {
        if at > 1 {
            return None;
        }
        if at == 1 {
            inverse = true;
            kind.push('/');
        }
        for (position, part) in side.split(['*', '·']).enumerate() {
            let (name, exponent) = part.trim().split_once('^').unwrap_or((part.trim(), "1"));
            let exponent: u32 = exponent.trim().parse().ok().filter(|exponent| (1..=4).contains(exponent))?;
            let (base, (numerator, denominator)) = find(name.trim())?;
            if position > 0 {
                kind.push('*');
            }
            kind.push_str(base);
            if exponent > 1 {
                kind.push_str(&format!("^{exponent}"));
            }
            let (numerator, denominator) = (numerator.checked_pow(exponent)?, denominator.checked_pow(exponent)?);
            let (numerator, denominator) = if inverse { (denominator, numerator) } else { (numerator, denominator) };
            above = above.checked_mul(numerator)?;
            below = below.checked_mul(denominator)?;
        }
    }
    Some((kind, (above, below)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_known_in_all_writings() {
        for (text, unit) in [
            ("km/h", "km/h"),
            ("kilometers per hour", "kilometers/hour"),
            ("square meters", "meters^2"),
            ("meters squared", "meters^2"),
            ("m²", "m^2"),
            ("km h^{-1}", "km/h"),
            ("percent", "%"),
            (" cm. ", "cm"),
        ] {
            assert_eq!(normal(text), unit, "{text}");
        }
        assert_eq!(scale("km/h"), Some(("m/s".to_owned(), (1000, 3600))));
        assert_eq!(scale("meters^2"), scale("m^2"));
        assert_eq!(scale("cm^3"), Some(("m^3".to_owned(), (1, 1_000_000))));
        assert_eq!(scale("apples"), None);
        assert_eq!(scale("m^9"), None);
    }
}
