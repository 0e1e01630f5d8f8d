use std::sync::Arc;
#[tokio::main]
async fn main() {
    let cache = std::env::args().nth(1).unwrap();
    let t = std::time::Instant::now();
    let r = rewarden_inference::default_model::obtain(cache.as_ref(), Arc::new(move |e| println!("{:?} {e:?}", t.elapsed()))).await;
    match r { Ok(p) => println!("{:?} {}", t.elapsed(), p.display()), Err(e) => println!("{:?} {e}", t.elapsed()) }
}
