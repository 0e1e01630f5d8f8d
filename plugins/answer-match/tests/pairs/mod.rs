//! Pairs of answers that are equal, or not, by construction.
//!
//! Of each kind of answer there are ways to write the same value, and small edits that change it. Everything follows from
//! the seed.

#![allow(dead_code, clippy::unwrap_used, clippy::indexing_slicing, reason = "shared by tests that use different parts")]

/// Two answers, and whether their values are the same.
pub struct Pair {
    pub kind: &'static str,
    pub one: String,
    pub other: String,
    pub equal: bool,
}

/// A generator of numbers (splitmix64).
pub struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From `low` to `high`, both included.
    fn from(&mut self, low: i64, high: i64) -> i64 {
        low + (self.next() % (high - low + 1) as u64) as i64
    }

    fn one_of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.next() as usize % all.len()].clone()
    }
}

/// The same value in several writings, and other values that look like it.
struct Family {
    same: Vec<String>,
    other: Vec<String>,
}

fn family(same: &[String], other: &[String]) -> Family {
    Family { same: same.to_vec(), other: other.to_vec() }
}

fn grouped(number: i64, sign: &str) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push_str(sign);
        }
        out.push(digit);
    }
    out
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a.abs() } else { gcd(b, a % b) }
}

fn fraction(r: &mut Random) -> (i64, i64) {
    loop {
        let (a, b) = (r.from(1, 60), r.from(2, 40));
        if gcd(a, b) == 1 {
            return (a, b);
        }
    }
}

type Maker = fn(&mut Random) -> Family;

const KINDS: [(&str, Maker); 32] = [
    ("whole numbers, grouped", |r| {
        let n = r.from(1_000, 99_999_999);
        family(
            &[
                n.to_string(),
                grouped(n, ","),
                grouped(n, "{,}"),
                grouped(n, "\\,"),
                grouped(n, " "),
                format!("{n}.0"),
                format!("+{n}"),
            ],
            &[
                (n + 1).to_string(),
                grouped(n + 10, ","),
                format!("-{n}"),
                grouped(n * 10, "{,}"),
                format!("{}, {}", n / 1000, n % 1000),
            ],
        )
    }),
    ("decimals", |r| {
        let (whole, places) = (r.from(0, 9_999), r.from(1, 9));
        let fraction: String = (0..places).map(|_| r.from(1, 9).to_string()).collect();
        let mut other = fraction.clone();
        let last = other.pop().unwrap().to_digit(10).unwrap();
        other.push_str(&((last % 9) + 1).to_string());
        let digits = format!("{whole}{fraction}").trim_start_matches('0').to_owned();
        let comma =
            if places == 3 && whole != 0 { format!("{whole}.{fraction}") } else { format!("{whole},{fraction}") };
        family(
            &[
                format!("{whole}.{fraction}"),
                format!("{whole}.{fraction}0"),
                comma,
                format!("\\frac{{{digits}}}{{1{}}}", "0".repeat(places as usize)),
            ],
            &[
                format!("{whole}.{other}"),
                format!("{}.{fraction}", whole + 1),
                format!("-{whole}.{fraction}"),
                format!("{whole}.0{fraction}"),
            ],
        )
    }),
    ("percentages", |r| {
        let p = r.one_of(&[1, 2, 4, 5, 8, 12, 15, 20, 25, 30, 35, 45, 60, 75, 85, 120]);
        family(
            &[
                format!("{p}\\%"),
                format!("{p} %"),
                format!("{p} percent"),
                format!("{}.{:02}", p / 100, p % 100),
                format!("\\frac{{{p}}}{{100}}"),
            ],
            &[format!("{}\\%", p + 1), format!("{p}0\\%"), format!("0.00{p}"), format!("\\frac{{{p}}}{{1000}}")],
        )
    }),
    ("mixed numbers", |r| {
        let (whole, b) = (r.from(1, 30), r.from(3, 20));
        let a = loop {
            let a = r.from(1, b - 1);
            if gcd(a, b) == 1 {
                break a;
            }
        };
        let top = whole * b + a;
        family(
            &[
                format!("{whole}\\frac{{{a}}}{{{b}}}"),
                format!("{whole} {a}/{b}"),
                format!("{top}/{b}"),
                format!("\\frac{{{top}}}{{{b}}}"),
                format!("{whole} + \\frac{{{a}}}{{{b}}}"),
                format!("{whole}\\dfrac{{{a}}}{{{b}}}"),
            ],
            &[
                format!("{whole}{a}/{b}"),
                format!("\\frac{{{}}}{{{b}}}", whole * a),
                format!("{}\\frac{{{a}}}{{{b}}}", whole + 1),
                format!("{whole}\\frac{{{a}}}{{{}}}", b + 1),
            ],
        )
    }),
    ("scientific notation", |r| {
        let (m, x, e) = (r.from(1, 9), r.from(1, 9), r.from(2, 12));
        let zeros = "0".repeat(e as usize - 1);
        family(
            &[
                format!("{m}.{x} \\times 10^{{{e}}}"),
                format!("{m}.{x}e{e}"),
                format!("{m}{x}{zeros}"),
                format!("{m}{x} \\cdot 10^{{{}}}", e - 1),
                format!("{m}.{x}E+{e}"),
            ],
            &[
                format!("{m}.{x} \\times 10^{{{}}}", e + 1),
                format!("{m}.{x}e-{e}"),
                format!("{m}{x}0{zeros}"),
                format!("{m}.{x}"),
            ],
        )
    }),
    ("currency", |r| {
        let n = r.from(1_001, 99_998);
        let cents = r.from(10, 99);
        family(
            &[
                format!("\\${}.{cents}", grouped(n, ",")),
                format!("{n}.{cents}"),
                format!("{n}.{cents} dollars"),
                format!("${n}.{cents}"),
                format!("\\${n}.{cents}"),
            ],
            &[
                format!("\\${n}.{}", if cents == 99 { 98 } else { cents + 1 }),
                format!("\\${}.{cents}", n + 1),
                format!("\\${n}{cents}"),
            ],
        )
    }),
    ("degrees", |r| {
        let n = r.from(1, 359);
        family(
            &[format!("{n}^\\circ"), format!("{n}^{{\\circ}}"), format!("{n}°"), format!("{n} degrees"), n.to_string()],
            &[format!("{}^\\circ", n + 1), format!("{n}0^\\circ"), format!("{}", 360 - n + i64::from(n == 180))],
        )
    }),
    ("fractions", |r| {
        let (a, b) = fraction(r);
        let k = r.from(2, 7);
        family(
            &[
                format!("\\frac{{{a}}}{{{b}}}"),
                format!("{a}/{b}"),
                format!("\\dfrac{{{}}}{{{}}}", a * k, b * k),
                format!("\\frac{{-{a}}}{{-{b}}}"),
                format!("{a} \\div {b}"),
                format!("\\left(\\frac{{{a}}}{{{b}}}\\right)"),
                format!("{a} / {b}"),
            ],
            &[
                format!("\\frac{{{}}}{{{b}}}", a + 1),
                format!("\\frac{{{a}}}{{{}}}", b + 1),
                format!("-\\frac{{{a}}}{{{b}}}"),
                if a == b { "7".into() } else { format!("\\frac{{{b}}}{{{a}}}") },
                a.to_string(),
            ],
        )
    }),
    ("roots", |r| {
        let (k, n) = (r.from(2, 12), r.one_of(&[2, 3, 5, 6, 7, 10, 11, 13]));
        let b = r.one_of(&[2, 3, 4, 5, 7]);
        family(
            &[
                format!("\\frac{{{k}\\sqrt{{{n}}}}}{{{b}}}"),
                format!("\\frac{{\\sqrt{{{}}}}}{{{b}}}", k * k * n),
                format!("{k}\\sqrt{{{n}}}/{b}"),
                format!("\\frac{{{k}}}{{{b}}}\\sqrt{{{n}}}"),
                format!("\\frac{{{}}}{{{b}\\sqrt{{{n}}}}}", k * n),
                format!("{k} \\cdot {n}^{{1/2}} / {b}"),
            ],
            &[
                format!("\\frac{{{}\\sqrt{{{n}}}}}{{{b}}}", k + 1),
                format!("\\frac{{{k}\\sqrt{{{}}}}}{{{b}}}", n + 1),
                format!("\\frac{{{k}\\cdot {n}}}{{{b}}}"),
                format!("\\frac{{{k}}}{{{b}}}"),
                format!("-\\frac{{{k}\\sqrt{{{n}}}}}{{{b}}}"),
            ],
        )
    }),
    ("sums of roots", |r| {
        let (a, n, m) = (r.from(1, 9), r.one_of(&[2, 3, 5]), r.one_of(&[6, 7, 11]));
        family(
            &[
                format!("{a} + \\sqrt{{{n}}} - \\sqrt{{{m}}}"),
                format!("\\sqrt{{{n}}} - \\sqrt{{{m}}} + {a}"),
                format!("-(\\sqrt{{{m}}} - \\sqrt{{{n}}} - {a})"),
                format!("\\frac{{{} + 2\\sqrt{{{n}}} - \\sqrt{{{}}}}}{{2}}", 2 * a, 4 * m),
            ],
            &[
                format!("{a} + \\sqrt{{{n}}} + \\sqrt{{{m}}}"),
                format!("{} + \\sqrt{{{n}}} - \\sqrt{{{m}}}", a + 1),
                format!("{a} + \\sqrt{{{m}}} - \\sqrt{{{n}}}"),
                format!("{a} + \\sqrt{{{}}}", n + m),
            ],
        )
    }),
    ("powers", |r| {
        let (b, e) = (r.from(2, 9), r.from(3, 40));
        family(
            &[
                format!("{b}^{{{e}}}"),
                format!("{b}^{{{}}} \\cdot {b}", e - 1),
                format!("{}^{{{e}}} / {b}^{{{e}}}", b * b),
                format!("\\frac{{{b}^{{{}}}}}{{{b}}}", e + 1),
            ],
            &[
                format!("{b}^{{{}}}", e + 1),
                format!("{}^{{{e}}}", b + 1),
                format!("{b}^{{{e}}} + 1"),
                format!("{b} \\cdot {e}"),
            ],
        )
    }),
    ("π and e", |r| {
        let (a, b) = fraction(r);
        let c = r.one_of(&["\\pi", "e", "\\pi^2", "e^3"]);
        family(
            &[
                format!("\\frac{{{a}{c}}}{{{b}}}"),
                format!("\\frac{{{a}}}{{{b}}}{c}"),
                format!("{a} {c} / {b}"),
                format!("{c} \\cdot \\frac{{{a}}}{{{b}}}"),
            ],
            &[
                format!("\\frac{{{}{c}}}{{{b}}}", a + 1),
                format!("\\frac{{{a}}}{{{b}}}"),
                format!("\\frac{{{a}{c}^2}}{{{b}}}"),
                format!("\\frac{{{a}}}{{{b}{c}}}"),
            ],
        )
    }),
    ("factorials and binomials", |r| {
        let n = r.from(9, 30);
        let k = r.from(2, 4);
        let falling = (0..k).map(|step| (n - step).to_string()).collect::<Vec<_>>().join(" \\cdot ");
        family(
            &[
                format!("\\binom{{{n}}}{{{k}}}"),
                format!("\\frac{{{n}!}}{{{k}!({n}-{k})!}}"),
                format!("\\binom{{{n}}}{{{}}}", n - k),
                format!("\\frac{{{falling}}}{{{k}!}}"),
            ],
            &[
                format!("\\binom{{{n}}}{{{}}}", if k == 4 { 1 } else { k + 1 }),
                format!("\\binom{{{}}}{{{k}}}", n + 1),
                format!("{n}!"),
                format!("\\frac{{{falling}}}{{{}!}}", k + 1),
            ],
        )
    }),
    ("logarithms", |r| {
        let (b, n) = (r.one_of(&[2, 3, 5, 7]), r.from(11, 60));
        family(
            &[
                format!("\\log_{{{b}}} {n}"),
                format!("\\frac{{\\ln {n}}}{{\\ln {b}}}"),
                format!("\\frac{{1}}{{\\log_{{{n}}} {b}}}"),
                format!("\\log_{{{b}}} {} - 1", n * b),
                format!("\\frac{{1}}{{2}} \\log_{{{b}}} {}", n * n),
            ],
            &[
                format!("\\log_{{{b}}} {}", n + 1),
                format!("\\log_{{{}}} {n}", b + 1),
                format!("\\frac{{\\ln {b}}}{{\\ln {n}}}"),
                format!("\\ln {n}"),
            ],
        )
    }),
    ("trigonometry of angles", |r| {
        let (sin, value, other) = r.one_of(&[
            ("\\sin\\frac{\\pi}{6}", "\\frac{1}{2}", "\\frac{\\sqrt{3}}{2}"),
            ("\\cos\\frac{\\pi}{6}", "\\frac{\\sqrt{3}}{2}", "\\frac{1}{2}"),
            ("\\sin 45^\\circ", "\\frac{\\sqrt{2}}{2}", "\\frac{\\sqrt{3}}{2}"),
            ("\\tan\\frac{\\pi}{3}", "\\sqrt{3}", "\\frac{1}{\\sqrt{3}}"),
            ("\\cos 72^\\circ", "\\frac{\\sqrt{5} - 1}{4}", "\\frac{\\sqrt{5} + 1}{4}"),
            ("\\arctan 1", "\\frac{\\pi}{4}", "\\frac{\\pi}{3}"),
        ]);
        let k = r.from(2, 9);
        family(
            &[
                format!("{k}{sin}"),
                format!("{k} \\cdot {value}"),
                format!("{value} \\cdot {k}"),
                format!("{k} \\cdot \\left({value}\\right)"),
            ],
            &[format!("{k} \\cdot {other}"), format!("{} \\cdot {value}", k + 1), format!("-{k} \\cdot {value}")],
        )
    }),
    ("identities", |r| {
        let x = r.one_of(&["x", "t", "\\theta", "\\alpha"]);
        let k = r.from(1, 9);
        family(
            &[
                format!("{k} + \\sin^2 {x} + \\cos^2 {x}"),
                format!("{}", k + 1),
                format!("{k} + \\cos 2{x} + 2\\sin^2 {x}"),
                format!("{k} + \\frac{{1}}{{\\cos^2 {x}}} - \\tan^2 {x}"),
            ],
            &[
                format!("{k} + \\sin^2 {x} - \\cos^2 {x}"),
                k.to_string(),
                format!("{k} + \\cos 2{x} + \\sin^2 {x}"),
                format!("{k} + \\tan^2 {x}"),
            ],
        )
    }),
    ("absolute values", |r| {
        let (a, b) = (r.from(2, 40), r.from(41, 90));
        family(
            &[
                format!("|{a} - {b}|"),
                format!("{}", b - a),
                format!("\\left| {b} - {a} \\right|"),
                format!("\\lvert {a} - {b} \\rvert"),
            ],
            &[format!("{}", a - b), format!("|{a} + {b}|"), format!("|{}|", b - a + 1)],
        )
    }),
    ("plus and minus", |r| {
        let (a, n) = (r.from(1, 20), r.one_of(&[2, 3, 5, 7]));
        family(
            &[
                format!("{a} \\pm \\sqrt{{{n}}}"),
                format!("{a} + \\sqrt{{{n}}}, {a} - \\sqrt{{{n}}}"),
                format!("\\{{{a} - \\sqrt{{{n}}}, {a} + \\sqrt{{{n}}}\\}}"),
                format!("x = {a} \\pm \\sqrt{{{n}}}"),
                format!("{a} - \\sqrt{{{n}}} \\text{{ and }} {a} + \\sqrt{{{n}}}"),
            ],
            &[
                format!("{a} + \\sqrt{{{n}}}"),
                format!("{} \\pm \\sqrt{{{n}}}", a + 1),
                format!("{a} \\pm \\sqrt{{{}}}", n + 1),
                format!("{a}, \\sqrt{{{n}}}"),
            ],
        )
    }),
    ("lists", |r| {
        let (a, b, c) = (r.from(-20, 20), r.from(21, 40), r.from(41, 60));
        family(
            &[
                format!("{a}, {b}, {c}"),
                format!("{c}, {a}, {b}"),
                format!("{a}; {b}; {c}"),
                format!("{a}, {b} \\text{{ and }} {c}"),
                format!("\\{{{a}, {b}, {c}\\}}"),
                format!("x = {a}, x = {b}, x = {c}"),
            ],
            &[
                format!("{a}, {b}"),
                format!("{a}, {b}, {}", c + 1),
                format!("{a}, {b}, {c}, {}", c + 5),
                format!("{}", a + b + c),
                format!("{a}"),
            ],
        )
    }),
    ("tuples", |r| {
        let (a, b, k) = (r.from(-20, 20), r.from(21, 40), r.from(2, 9));
        family(
            &[
                format!("({a}, {b})"),
                format!("\\left({a}, {b}\\right)"),
                format!("(x, y) = ({a}, {b})"),
                format!("({a}, \\frac{{{}}}{{{k}}})", b * k),
                format!("\\left( {a} , {b}.0 \\right)"),
            ],
            &[
                format!("({b}, {a})"),
                format!("({a}, {})", b + 1),
                format!("({a}, {b}, 0)"),
                format!("[{a}, {b}]"),
                format!("\\{{{b}, {a}\\}}"),
            ],
        )
    }),
    ("sets", |r| {
        let (a, b, k) = (r.from(1, 20), r.from(21, 40), r.from(2, 9));
        family(
            &[
                format!("\\{{{a}, {b}\\}}"),
                format!("\\{{{b}, {a}\\}}"),
                format!("\\left\\{{ {a}, \\frac{{{}}}{{{k}}} \\right\\}}", b * k),
                format!("\\{{{b}, {a}, {b}\\}}"),
            ],
            &[
                format!("\\{{{a}\\}}"),
                format!("\\{{{a}, {}\\}}", b + 1),
                format!("\\{{{a}, {b}, 99\\}}"),
                "\\emptyset".into(),
                format!("({b}, {a})"),
            ],
        )
    }),
    ("intervals", |r| {
        let (a, b) = (r.from(-30, 0), r.from(1, 30));
        family(
            &[
                format!("[{a}, {b})"),
                format!("{a} \\le x < {b}"),
                format!("{b} > x \\geq {a}"),
                format!("x \\in [{a}, {b})"),
                format!("\\left[{a}, {b}\\right)"),
                format!("[{a}, {b}["),
            ],
            &[
                format!("({a}, {b})"),
                format!("[{a}, {b}]"),
                format!("{a} < x < {b}"),
                format!("[{a}, {})", b + 1),
                format!("x \\geq {a}"),
            ],
        )
    }),
    ("unions", |r| {
        let (a, b) = (r.from(-30, 0), r.from(1, 30));
        family(
            &[
                format!("(-\\infty, {a}) \\cup ({b}, \\infty)"),
                format!("x < {a} \\text{{ or }} x > {b}"),
                format!("({b}, +\\infty) \\cup (-\\infty, {a})"),
                format!("x > {b} \\text{{ or }} x < {a}"),
                format!("x \\in (-\\infty, {a}) \\cup ({b}, \\infty)"),
            ],
            &[
                format!("(-\\infty, {a}] \\cup ({b}, \\infty)"),
                format!("x < {a}"),
                format!("({a}, {b})"),
                format!("(-\\infty, {a}) \\cup ({}, \\infty)", b + 1),
                format!("x > {a} \\text{{ or }} x < {b}"),
            ],
        )
    }),
    ("matrices", |r| {
        let n: Vec<i64> = (0..4).map(|_| r.from(-9, 9)).collect();
        let matrix = |name: &str, n: &[i64]| {
            format!("\\begin{{{name}}} {} & {} \\\\ {} & {} \\end{{{name}}}", n[0], n[1], n[2], n[3])
        };
        let mut edited = n.clone();
        let at = r.from(0, 3) as usize;
        edited[at] += 1;
        let transposed = [n[0], n[2], n[1], n[3]];
        let mut other =
            vec![matrix("pmatrix", &edited), format!("\\begin{{pmatrix}} {} & {} \\end{{pmatrix}}", n[0], n[1])];
        if n[1] != n[2] {
            other.push(matrix("pmatrix", &transposed));
        }
        family(
            &[
                matrix("pmatrix", &n),
                matrix("bmatrix", &n),
                format!(
                    "\\left( \\begin{{array}}{{cc}} {} & {} \\\\ {} & {} \\end{{array}} \\right)",
                    n[0], n[1], n[2], n[3]
                ),
                format!(
                    "\\frac{{1}}{{2}}\\begin{{pmatrix}} {} & {} \\\\ {} & {} \\end{{pmatrix}}",
                    2 * n[0],
                    2 * n[1],
                    2 * n[2],
                    2 * n[3]
                ),
            ],
            &other,
        )
    }),
    ("equations", |r| {
        let (a, b, c, k) = (r.from(2, 9), r.from(1, 9), r.from(1, 20), r.from(2, 5));
        family(
            &[
                format!("{a}x + {b}y = {c}"),
                format!("{a}x + {b}y - {c} = 0"),
                format!("{}x + {}y = {}", k * a, k * b, k * c),
                format!("{c} = {b}y + {a}x"),
                format!("y = \\frac{{{c} - {a}x}}{{{b}}}"),
            ],
            &[
                format!("{a}x - {b}y = {c}"),
                format!("{a}x + {b}y = {}", c + 1),
                format!("{a}x + {b}y"),
                format!("{}x + {b}y = {c}", a + 1),
                c.to_string(),
            ],
        )
    }),
    ("inequalities", |r| {
        let (a, c, k) = (r.from(2, 9), r.from(-20, 20), r.from(2, 5));
        family(
            &[
                format!("x \\geq {c}"),
                format!("{c} \\leq x"),
                format!("{k}x \\geq {}", k * c),
                format!("-x \\leq {}", -c),
                format!("[{c}, \\infty)"),
                format!("x >= {c}"),
                format!("x \\in [{c}, +\\infty)"),
            ],
            &[
                format!("x > {c}"),
                format!("x \\leq {c}"),
                format!("x \\geq {}", c + 1),
                format!("{a}x \\geq {}", a * c + 1),
                format!("({c}, \\infty)"),
            ],
        )
    }),
    ("systems", |r| {
        let (a, b) = (r.from(-20, 20), r.from(21, 40));
        family(
            &[
                format!("x = {a}, y = {b}"),
                format!("y = {b}, x = {a}"),
                format!("\\begin{{cases}} x = {a} \\\\ y = {b} \\end{{cases}}"),
                format!("x = {a} \\text{{ and }} y = {b}"),
                format!("\\left\\{{\\begin{{array}}{{l}} x = {a} \\\\ y = {b} \\end{{array}}\\right."),
            ],
            &[
                format!("x = {b}, y = {a}"),
                format!("x = {a}, y = {}", b + 1),
                format!("x = {a}"),
                format!("\\begin{{cases}} x = {b} \\\\ y = {a} \\end{{cases}}"),
            ],
        )
    }),
    ("ratios", |r| {
        let (a, b) = fraction(r);
        let k = r.from(2, 9);
        family(
            &[
                format!("{a}:{b}"),
                format!("{} : {}", a * k, b * k),
                format!("\\frac{{{a}}}{{{b}}}"),
                format!("{a} \\colon {b}"),
            ],
            &[
                format!("{}:{b}", a + 1),
                format!("{a}:{}", b + 1),
                format!("{a}"),
                if a == b { "1:3".into() } else { format!("{b}:{a}") },
            ],
        )
    }),
    ("options", |r| {
        let (letter, other) = r.one_of(&[('A', 'B'), ('B', 'D'), ('C', 'A'), ('D', 'C')]);
        let text = r.one_of(&["mitochondrion", "all of the above", "it stays the same", "none"]);
        family(
            &[
                letter.to_string(),
                format!("({letter})"),
                format!("\\text{{{letter}}}"),
                format!("\\textbf{{({letter})}} \\text{{ {text}}}"),
                format!("\\text{{{letter}: {text}}}"),
                format!("{letter}. {text}"),
                format!("Option {letter}"),
            ],
            &[
                other.to_string(),
                format!("({other})"),
                format!("\\text{{{other}: {text}}}"),
                "\\text{None of the above}".into(),
                "\\text{An answer}".into(),
            ],
        )
    }),
    ("units", |r| {
        let n = r.from(1, 90);
        let (unit, name, smaller, times, other) = r.one_of(&[
            ("cm", "centimeters", "mm", 10, "kg"),
            ("km/h", "kilometers per hour", "km/h", 1, "kg"),
            ("kg", "kilograms", "g", 1000, "m"),
            ("m", "meters", "cm", 100, "s"),
        ]);
        family(
            &[
                format!("{n} \\text{{ {unit}}}"),
                format!("{n}\\,\\mathrm{{{unit}}}"),
                format!("{n} {name}"),
                format!("{} \\text{{ {smaller}}}", n * times),
                format!("{n} {unit}"),
            ],
            &[
                format!("{} \\text{{ {unit}}}", n + 1),
                format!("{n} \\text{{ {other}}}"),
                format!("{n}0 {unit}"),
                format!("{}", n + 1),
            ],
        )
    }),
    ("words", |r| {
        let (word, other) = r.one_of(&[
            ("even", "odd"),
            ("yes", "no"),
            ("true", "false"),
            ("Paris", "Pairs"),
            ("a regular hexagon", "a hexagon"),
            ("no solution", "solution"),
        ]);
        family(
            &[
                word.into(),
                format!("\\text{{{word}}}"),
                format!("\\text{{{}}}", word.to_uppercase()),
                format!("\\textbf{{{word}}}."),
                format!(" {word} "),
            ],
            &[other.into(), format!("\\text{{not {word}}}"), "\\text{unknown}".into(), "1".into()],
        )
    }),
    ("polynomials and quotients", |r| {
        let (a, b, k) = (r.from(1, 9), r.from(1, 9), r.from(2, 9));
        let x = r.one_of(&["x", "y", "n", "t"]);
        family(
            &[
                format!("{k}({x} + {a})({x} + {b})"),
                format!("{k}{x}^2 + {}{x} + {}", k * (a + b), k * a * b),
                format!("{}{x} + {k}{x}^{{2}} + {}", k * (a + b), k * a * b),
                format!("\\frac{{{k}({x} + {a})({x} + {b})({x} - 1)}}{{{x} - 1}}"),
                format!("{k}\\left({x} + {b}\\right)\\left({a} + {x}\\right)"),
            ],
            &[
                format!("{k}({x} + {a})({x} - {b})"),
                format!("{k}{x}^2 + {}{x} + {}", k * (a + b) + 1, k * a * b),
                format!("{k}{x}^2 + {}{x} + {}", k * (a + b), k * a * b + 1),
                format!("{k}{x}^3 + {}{x} + {}", k * (a + b), k * a * b),
                format!("{k}({x} + {a})"),
            ],
        )
    }),
];

/// So many pairs, of every kind alike, half of them equal.
pub fn pairs(count: usize, seed: u64) -> Vec<Pair> {
    let mut random = Random(seed);
    (0..count)
        .map(|at| {
            let (kind, make) = KINDS[at % KINDS.len()];
            let Family { same, other } = make(&mut random);
            let first = random.from(0, same.len() as i64 - 1) as usize;
            let equal = (at / KINDS.len()).is_multiple_of(2);
            let second = match equal {
                true => same[(first + random.from(1, same.len() as i64 - 1) as usize) % same.len()].clone(),
                false => random.one_of(&other),
            };
            let (mut one, mut other) = (same[first].clone(), second);
            if random.from(0, 1) == 1 {
                std::mem::swap(&mut one, &mut other);
            }
            Pair { kind, one, other, equal }
        })
        .collect()
}
