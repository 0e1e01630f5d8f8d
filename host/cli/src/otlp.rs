//! Spans of requests for an OpenTelemetry collector.

use std::sync::OnceLock;

use anyhow::{Context as _, Result};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracerProvider, Tracer};
use tracing::Subscriber;
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::registry::LookupSpan;

use crate::console::err;

/// What sends; asked at the end to send what is left.
static PROVIDER: OnceLock<SdkTracerProvider> = OnceLock::new();

/// Sends spans to `endpoint` (OTLP over HTTP, the full URL such as `http://localhost:4318/v1/traces`), in batches from a thread
/// of its own.
pub(crate) fn layer<S>(endpoint: &str) -> Result<OpenTelemetryLayer<S, Tracer>>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(endpoint)
        .build()
        .with_context(|| format!("--otlp-endpoint {endpoint}"))?;
    let resource = Resource::builder().with_service_name("rewarden").build();
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
    let tracer = provider.tracer("rewarden");
    let _ = PROVIDER.set(provider);
    Ok(tracing_opentelemetry::layer().with_tracer(tracer))
}

/// Sends what is left. Blocks, for a few seconds at most.
pub(crate) fn flush() {
    if let Some(provider) = PROVIDER.get()
        && let Err(error) = provider.shutdown()
    {
        err!("the last spans were not sent: {error}");
    }
}
