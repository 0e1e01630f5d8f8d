//! Reports: what is written, and what a browser makes of it.

use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rewarden_tests::browser::Browser;
use rewarden_tests::{ModelServer, RUBRIC_PACK, Sandbox, component, pack, prompt};
use serde_json::{Value, json};

/// Lets a page read other files, which browsers forbid: the pages that look at a report have to.
const READ_FILES: &str = "--allow-file-access-from-files";
/// Lets a page reach this machine's own servers without asking, so that nothing but its policy keeps it from them.
const REACH_LOOPBACK: &str = "--disable-features=LocalNetworkAccessChecks";
const TASKS: usize = 6;
const K: usize = 4;

/// A server that counts who comes, and answers nobody.
struct Bait {
    port: u16,
    visits: Arc<AtomicUsize>,
}

impl Bait {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, visits) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
        let counted = visits.clone();
        std::thread::spawn(move || {
            for visit in listener.incoming() {
                drop(visit);
                counted.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { port, visits }
    }

    fn visits(&self) -> usize {
        self.visits.load(Ordering::SeqCst)
    }

    /// Text that leaves a script element, runs a script, adds markup and fetches an image wherever it is taken for
    /// markup, and that hides and reorders what stands beside it.
    fn hostile(&self) -> String {
        format!("{}\u{202e}\u{7}", self.markup())
    }

    fn markup(&self) -> String {
        let port = self.port;
        format!(
            "</script><img src=x onerror=document.body.dataset.pwned=1><b id=planted>bold</b>\
             <img src=http://127.0.0.1:{port}/>"
        )
    }
}

/// Two runs over the same samples, `a.run` and `worst <b>.run`, with hostile text wherever text comes from outside.
fn two_runs(bait: &Bait) -> Sandbox {
    let sandbox = Sandbox::default();
    let hostile = bait.hostile();
    let said = hostile.clone();
    let asked = AtomicUsize::new(0);
    let server = ModelServer::new(move |body| {
        let seed = body["seed"].as_u64().unwrap();
        // Not by the seed, which follows the text of the task, and with it the port of the bait.
        if asked.fetch_add(1, Ordering::SeqCst) % 5 == 3 {
            return format!("unreadable {said}");
        }
        let shown = prompt(body).matches("[The Begin of Response").count() as u64;
        let scores: Vec<String> = (0..shown).map(|index| (1 + (seed >> (8 * index)) % 10).to_string()).collect();
        format!("Specific Criteria: care {said}\nAnalysis: judged {said}\nScores: \\boxed{{{}}}", scores.join(", "))
    });
    let tasks: String = (0..TASKS)
        .map(|index| {
            let task = json!({"id": format!("id {index} {hostile}"), "prompt": format!("prompt {index} {hostile}"),
                "responses": [format!("first {index} {hostile}"), format!("second {index} {hostile}")],
                "preferred": index % 2, "metadata": {"subset": format!("subset {hostile}")}});
            format!("{task}\n")
        })
        .collect();
    sandbox.write("tasks.jsonl", tasks);
    let (endpoint, pack, k) = (server.endpoint(), pack("spct-vote"), K.to_string());
    let score = ["score", "tasks.jsonl", "--run", "a.run", "--seed", "5", "--quiet", "--model", "m<i>", "-k", &k];
    sandbox.run(score.iter().chain(&["--endpoint", &endpoint, "--pack", pack.to_str().unwrap()])).expect(0);
    let worst = component("worst-case");
    let replay = ["replay", "a.run", "--policy", worst.to_str().unwrap(), "--run", "worst <b>.run"];
    sandbox.run(replay).expect(0);
    sandbox
}

/// Writes a report on both runs and returns its path.
fn report(sandbox: &Sandbox, out: &str, more: &[&str]) -> PathBuf {
    let arguments = ["report", "a.run", "worst <b>.run", "--out", out];
    let run = sandbox.run(arguments.iter().chain(more)).expect(0);
    assert!(run.stderr().contains(&format!("wrote {out}")), "{}", run.stderr());
    sandbox.path().join(out)
}

#[test]
fn a_report_is_what_its_format_says_or_else_its_ending() {
    let sandbox = two_runs(&Bait::new());
    let read = |out, more: &[&str]| std::fs::read(report(&sandbox, out, more)).unwrap();

    let page = String::from_utf8(read("report.html", &[])).unwrap();
    assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
    assert_eq!(read("page", &["--format", "html"]), page.as_bytes(), "the same runs make the same page");

    let svg = String::from_utf8(read("curve.svg", &[])).unwrap();
    assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"), "{svg}");
    assert!(svg.contains("a: ") && svg.contains("worst &lt;b&gt;: "), "{svg}");
    assert_eq!(read("curve", &["--format", "svg"]), svg.as_bytes());

    let png = read("curve.png", &[]);
    assert_eq!(png_size(&png), (1600, 1000));
    assert_eq!(read("picture", &["--format", "png"]), png);
}

#[test]
fn a_browser_shows_the_whole_report_and_takes_no_text_for_markup() {
    let Some(browser) = Browser::or_skip("the report in a browser") else { return };
    let bait = Bait::new();
    let sandbox = two_runs(&bait);
    let page = report(&sandbox, "report.html", &["--by", "subset", "--title", &format!("Title {}", bait.hostile())]);

    let dom = browser.dom(&page, &[REACH_LOOPBACK]);
    let body = dom.split("<body").nth(1).unwrap().split('>').next().unwrap();
    assert_eq!(body, format!(" data-ready=\"true\" data-tasks=\"{TASKS}\""));

    let look = sandbox.write("look.html", include_str!("report_page/look.html"));
    let dom = browser.dom(&look, &[READ_FILES, REACH_LOOPBACK, "--virtual-time-budget=5000"]);
    let json = dom.split("<pre id=\"found\">").nth(1).and_then(|rest| rest.split("</pre>").next());
    let found: Value = serde_json::from_str(json.unwrap()).unwrap_or_else(|error| panic!("{error}: {dom}"));

    assert_eq!(found["ready"], "true");
    assert_eq!(found["rows"], TASKS);
    assert_eq!(found["samples"], 2 * TASKS * K, "those of both runs");
    assert_eq!(found["pwned"], Value::Null);
    assert_eq!(found["foreign"], json!([]));
    assert_eq!(bait.visits(), 0, "the page reached a server");
    let policy = found["policy"].as_str().unwrap();
    assert!(policy.starts_with("default-src 'none';") && !policy.contains("unsafe"), "{policy}");

    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let comparison: Vec<_> = found["comparison"].as_array().unwrap().iter().map(text).collect();
    let [first, second] = comparison.as_slice() else { panic!("expected a row for each run: {comparison:?}") };
    assert!(first.starts_with('a') && first.contains("policy vote") && first.contains("m<i>"), "{first}");
    assert!(second.starts_with("worst <b>") && second.contains("policy worst-case"), "{second}");

    let curves = found["curves"].as_array().unwrap();
    let shown: Vec<_> = curves.iter().filter(|curve| curve["size"][0].as_f64() > Some(0.0)).collect();
    let [curve] = shown.as_slice() else { panic!("of the sizes of a curve one is shown: {curves:?}") };
    assert!(curve["size"][0].as_f64() > Some(600.0) && curve["size"][1].as_f64() > Some(200.0), "{curve}");
    assert_eq!(curve["lines"], 2, "a line for each run: {curve}");
    let label = text(&curve["text"]);
    assert!(label.contains("a: ") && label.contains("worst <b>: ") && label.contains("Accuracy"), "{label}");

    // Each text, as it came, in the place where a reader looks for it; what would be invisible, by its code point.
    let markup = bait.markup();
    let tasks = text(&found["text"]);
    let places = ["id 0", "prompt 5", "first 3", "second 3", "care", "judged", "unreadable", "subset"];
    for place in places {
        let expected = format!("{place} {markup}U+202EU+0007");
        assert!(tasks.contains(&expected), "no {expected:?} in:\n{tasks}");
    }
    let elsewhere = format!("{markup}⟨U+202E⟩⟨U+0007⟩");
    assert_eq!(found["title"], format!("Title {elsewhere}"));
    assert!(text(&found["groups"]).contains(&format!("subset {elsewhere}")), "{}", found["groups"]);
}

#[test]
fn a_browser_shows_scores_by_criterion_for_each_response_and_confidence_against_correctness() {
    let Some(browser) = Browser::or_skip("criteria in a browser") else { return };
    let server = ModelServer::new(|_| {
        r#"{"response_1": {"rule": "yes", "tone": "n/a"}, "response_2": {"rule": "no", "tone": 1}}"#.to_owned()
    });
    let sandbox = Sandbox::default();
    sandbox.pack(RUBRIC_PACK, &["rubric", "rubric-vote"]);
    let rubric = json!([{"id": "rule", "text": "Names the rule.", "weight": 3},
        {"id": "tone", "text": "Tone.", "levels": ["rude", "kind"]}]);
    let task = json!({"id": "t", "prompt": "Why?", "responses": ["a", "b"], "preferred": 0, "rubric": rubric});
    let arguments = ["--pack", "pack", "--run", "a.run", "--set", "policy.shuffle=none"];
    sandbox.score(&server, &[task], &arguments).expect(0);
    sandbox.run(["report", "a.run", "--out", "report.html"]).expect(0);
    let look = sandbox.write("look.html", include_str!("report_page/look.html"));
    let dom = browser.dom(&look, &[READ_FILES, REACH_LOOPBACK, "--virtual-time-budget=5000"]);
    let json = dom.split("<pre id=\"found\">").nth(1).and_then(|rest| rest.split("</pre>").next());
    let found: Value = serde_json::from_str(json.unwrap()).unwrap_or_else(|error| panic!("{error}: {dom}"));
    // The reward's and the sample's.
    let table = json!([["Criterion", "Response 0", "Response 1"], ["rule", "1", "0"], ["tone", "n/a", "1"]]);
    assert_eq!(found["criteria"], json!([table, table]));

    let voted = two_runs(&Bait::new());
    let page = std::fs::read_to_string(report(&voted, "report.html", &[])).unwrap();
    let section = page.split("<section id=\"confidence\">").nth(1).unwrap().split("</section>").next().unwrap();
    assert!(section.contains("<bdi>a</bdi>: rewards") && section.contains("expected calibration error"), "{section}");
    assert!(section.contains("<svg"), "{section}");
}

#[test]
fn the_same_text_does_its_harm_where_a_page_takes_it_for_markup() {
    let Some(browser) = Browser::or_skip("what hostile text does to a careless page") else { return };
    let (bait, sandbox) = (Bait::new(), Sandbox::default());
    let page = sandbox.write("careless.html", format!("<!doctype html><body><p>{}</p>", bait.hostile()));
    let dom = browser.dom(&page, &[REACH_LOOPBACK]);
    assert!(dom.contains("data-pwned=\"1\"") && dom.contains("<b id=\"planted\">"), "{dom}");
    assert!(bait.visits() > 0, "the image was not fetched");
}

#[test]
fn a_browser_draws_the_report() {
    let Some(browser) = Browser::or_skip("the report's screenshot") else { return };
    let sandbox = two_runs(&Bait::new());
    let page = report(&sandbox, "report.html", &[]);
    let size = (1280, 1600);
    let picture = browser.screenshot(&page, size, &sandbox.path().join("picture.png"));
    assert_eq!(png_size(&picture), size);
    let colours = sandbox.write("colours.html", include_str!("report_page/colours.html"));
    let dom = browser.dom(&colours, &[READ_FILES]);
    let attribute =
        |name: &str| dom.split(&format!("{name}=\"")).nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    assert_eq!(attribute("data-size"), "1280 x 1600");
    // A blank page has one; text in one colour, smoothed, has some dozens.
    let colours: usize = attribute("data-colours").parse().unwrap();
    assert!(colours > 100, "{colours} colours");
}

/// Width and height, from the header that every PNG begins with.
fn png_size(png: &[u8]) -> (u32, u32) {
    assert_eq!(&png[..16], b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR");
    let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
    (number(16), number(20))
}
