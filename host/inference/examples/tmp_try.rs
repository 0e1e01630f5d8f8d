use rewarden_inference::mistral::*;
use rewarden_inference::*;
#[tokio::main]
async fn main() {
    let a: Vec<String> = std::env::args().collect();
    let t = std::time::Instant::now();
    let m = MistralModel::load(&Source::resolve(&a[1]).unwrap(), &MistralOptions::default(), &|e| println!("{e:?}"))
        .await
        .unwrap();
    println!("{:?} {:?}", t.elapsed(), m.identity());
    for p in &a[2..] {
        for temp in [0.0, 0.8] {
            let t = std::time::Instant::now();
            let r = GenerateRequest {
                messages: vec![Message { role: Role::User, content: p.clone() }],
                sampling: Sampling { temperature: temp, top_p: None, max_tokens: 40, seed: 1 },
                constraint: None,
                stop: vec![],
                top_logprobs: if temp == 0.0 { 3 } else { 0 },
            };
            let c = m.generate(&r, &|_| ()).await.unwrap();
            println!("{:?} T={temp} {:?} {:?} {:?}", t.elapsed(), c.text, c.usage, c.finish);
            for t in c.tokens.iter().take(2) {
                println!("   {:?}", t);
            }
        }
    }
}
