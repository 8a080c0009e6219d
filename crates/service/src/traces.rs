//! Traces for a collector: one a document, with a span for each stage and each page, sent by the OpenTelemetry protocol over HTTP. They name
//! records, stages and reasons, never files or people. A collector that is away costs traces, not work.

use opentelemetry::trace::{SpanKind, Status, TraceContextExt as _, Tracer as _, TracerProvider as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use sohoa_record::Stage;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

/// A collector answers within this, or its spans are lost.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);
/// What is not sent is sent at the end, within this.
const ENDS_WITHIN: Duration = Duration::from_secs(5);
/// Where collectors take traces (OTLP 1.0, section "OTLP/HTTP request").
const PATH: &str = "/v1/traces";

/// The way to a collector.
#[derive(Debug)]
pub struct Traces {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

/// A document's span, which those of its stages lie in. It ends when it is dropped.
pub struct Span {
    tracer: SdkTracer,
    context: Context,
    /// When it began, by both clocks: what lies in it is placed by the one that nobody sets.
    began: (Instant, SystemTime),
}

impl Traces {
    /// Sends to the collector at `url`, such as `http://127.0.0.1:4318`; a path is taken as it is, no path is `/v1/traces`. Nothing is
    /// sent yet, so a collector may be started later.
    pub fn to(url: &str) -> Result<Traces, String> {
        let agent = ureq::Agent::config_builder().timeout_global(Some(ANSWERS_WITHIN)).http_status_as_error(false);
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Agent { agent: agent.build().new_agent(), is_away: AtomicBool::new(false) })
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(with_path(url))
            .build()
            .map_err(|error| error.to_string())?;
        let service = [KeyValue::new("service.name", "sohoa"), KeyValue::new("service.version", env!("CARGO_PKG_VERSION"))];
        let resource = Resource::builder_empty().with_attributes(service).build();
        let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
        let tracer = provider.tracer("sohoa");
        Ok(Traces { provider, tracer })
    }

    /// A document is begun.
    pub fn document(&self, record: &str, attempt: u32) -> Span {
        let attributes = [KeyValue::new("sohoa.record", record.to_string()), KeyValue::new("sohoa.attempt", i64::from(attempt))];
        let began = (Instant::now(), SystemTime::now());
        let builder = self.tracer.span_builder("document").with_kind(SpanKind::Consumer).with_start_time(began.1);
        let span = builder.with_attributes(attributes).start_with_context(&self.tracer, &Context::new());
        Span { tracer: self.tracer.clone(), context: Context::new().with_span(span), began }
    }
}

impl Drop for Traces {
    fn drop(&mut self) {
        // It waits for what was not sent.
        if let Err(error) = self.provider.shutdown_with_timeout(ENDS_WITHIN) {
            tracing::warn!("the collector did not take the last traces within {} s: {error}", ENDS_WITHIN.as_secs());
        }
    }
}

impl Span {
    /// Notes a stage.
    pub fn stage(&self, stage: Stage, began: Instant, took: Duration, failed: bool) {
        let status = if failed { Status::error("") } else { Status::Unset };
        self.child(&self.context, stage.as_str(), self.clock(began), took, Vec::new(), status);
    }

    /// Notes a page with its stages one after the other; `why` it was not read, if it was not.
    pub fn page(&self, number: u32, began: Instant, took: Duration, stages: &[(Stage, Duration)], why: Option<&'static str>) {
        let attributes = vec![KeyValue::new("sohoa.page", i64::from(number))];
        let status = why.map_or(Status::Unset, Status::error);
        let mut at = self.clock(began);
        let page = self.child(&self.context, "page", at, took, attributes, status);
        for (stage, took) in stages {
            self.child(&page, stage.as_str(), at, *took, Vec::new(), Status::Unset);
            at += *took;
        }
    }

    fn child(
        &self,
        parent: &Context,
        name: &'static str,
        began: SystemTime,
        took: Duration,
        attributes: Vec<KeyValue>,
        status: Status,
    ) -> Context {
        let builder = self.tracer.span_builder(name).with_start_time(began).with_attributes(attributes);
        let context = parent.with_span(builder.start_with_context(&self.tracer, parent));
        context.span().set_status(status);
        context.span().end_with_timestamp(began + took);
        context
    }

    /// The time of day at that instant.
    fn clock(&self, instant: Instant) -> SystemTime {
        self.began.1 + instant.saturating_duration_since(self.began.0)
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        self.context.span().end_with_timestamp(self.clock(Instant::now()));
    }
}

fn with_path(url: &str) -> String {
    let bare = url.trim_end_matches('/');
    let has_path = bare.split_once("://").is_some_and(|(_, rest)| rest.contains('/'));
    if has_path { url.to_owned() } else { format!("{bare}{PATH}") }
}

/// The HTTP client of the rest of the house. It blocks, on the thread that the exporter has for itself.
#[derive(Debug)]
struct Agent {
    agent: ureq::Agent,
    /// True while the collector takes nothing: that is told once.
    is_away: AtomicBool,
}

impl Agent {
    fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, ureq::Error> {
        let (head, mut body) = self.agent.run(request.map(|body| body.to_vec()))?.into_parts();
        Ok(Response::from_parts(head, body.read_to_vec()?.into()))
    }
}

#[async_trait::async_trait]
impl HttpClient for Agent {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let url = request.uri().to_string();
        let answered = self.send(request);
        let trouble = match &answered {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(answer.status().to_string()),
            Err(error) => Some(error.to_string()),
        };
        let was_away = self.is_away.swap(trouble.is_some(), Ordering::Relaxed);
        match trouble {
            Some(why) if !was_away => {
                tracing::warn!("the collector {url} takes no traces, they are lost: {why}; see [serve] traces")
            }
            None if was_away => tracing::info!("the collector {url} takes traces again"),
            _ => {}
        }
        Ok(answered?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collector_is_named_with_or_without_its_path() {
        for url in ["http://127.0.0.1:4318", "http://127.0.0.1:4318/", "http://127.0.0.1:4318/v1/traces"] {
            assert_eq!(with_path(url), "http://127.0.0.1:4318/v1/traces");
        }
        assert_eq!(with_path("https://collector.example/otlp/v1/traces"), "https://collector.example/otlp/v1/traces");
    }
}
