//! What the stages of documents take: counted for `/metrics` and the console, told to a trace collector where one is named. Every document
//! that is worked on has a [`Course`], which is told of each stage; nothing is decided by what is measured here.

use crate::page_protocol::Spent;
use crate::sandbox::Timed;
use crate::traces::{Span, Traces};
use sohoa_record::manifest::PageState;
use sohoa_record::{Reason, Stage};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The stages of all documents of this process.
#[derive(Debug, Default)]
pub struct Stages {
    figures: Mutex<BTreeMap<Stage, Figures>>,
    pages: Mutex<BTreeMap<PageState, u64>>,
    under_way: Mutex<BTreeMap<String, UnderWay>>,
    traces: Option<Traces>,
}

/// What a stage came to, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// How often it ended, well or not: of stages that read pages, for each page.
    pub runs: u64,
    /// All of them together.
    pub took: Duration,
    /// How often it ended badly.
    pub failures: u64,
}

/// Where a document is.
#[derive(Clone, Copy, Debug)]
pub struct UnderWay {
    /// The stage; while pages are read, the one that most of their time goes to.
    pub stage: Stage,
    /// Since when it is there; of pages, since the last one was done.
    pub since: Instant,
}

impl Stages {
    /// Stages that are told to a collector too.
    pub fn traced(traces: Traces) -> Stages {
        Stages { traces: Some(traces), ..Stages::default() }
    }

    /// What each stage that ever ended came to, in order.
    pub fn figures(&self) -> BTreeMap<Stage, Figures> {
        lock(&self.figures).clone()
    }

    /// Pages by what became of them, since the start.
    pub fn pages(&self) -> BTreeMap<PageState, u64> {
        lock(&self.pages).clone()
    }

    /// The documents that are worked on, by record.
    pub fn under_way(&self) -> BTreeMap<String, UnderWay> {
        lock(&self.under_way).clone()
    }

    /// A document's way through the stages begins.
    pub fn course(&self, record: &str, attempt: u32) -> Course<'_> {
        let span = self.traces.as_ref().map(|traces| traces.document(record, attempt));
        Course { stages: self, record: record.to_owned(), span }
    }

    fn count(&self, stage: Stage, took: Duration, failed: bool) {
        let mut figures = lock(&self.figures);
        let of_stage = figures.entry(stage).or_default();
        of_stage.runs += 1;
        of_stage.took += took;
        of_stage.failures += u64::from(failed);
    }
}

/// One document's way through the stages, until it is dropped.
pub struct Course<'a> {
    stages: &'a Stages,
    record: String,
    span: Option<Span>,
}

impl Course<'_> {
    /// Does a stage and notes how long it took and whether it failed.
    pub async fn time<T, E>(&self, stage: Stage, work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let began = self.begin(stage);
        let done = work.await;
        self.note(stage, began, began.elapsed(), done.is_err());
        done
    }

    /// The same of work that waits for nothing.
    pub fn time_now<T, E>(&self, stage: Stage, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let began = self.begin(stage);
        let done = work();
        self.note(stage, began, began.elapsed(), done.is_err());
        done
    }

    /// Notes a page that was read, or was not.
    pub fn note_page(&self, timed: &Timed) {
        let page = &timed.page;
        *lock(&self.stages.pages).entry(page.state).or_default() += 1;
        let failed = page.state == PageState::RecognizeFailed;
        let spent = within(&timed.spent, timed.took);
        let last = spent.last().map_or(Stage::Decode, |(stage, _)| *stage);
        for (stage, took) in &spent {
            self.stages.count(*stage, *took, failed && *stage == last);
        }
        if spent.is_empty() {
            // Its child came to no answer: how far it got is not known.
            self.stages.count(last, timed.took, failed);
        }
        if let Some(span) = &self.span {
            let why = failed.then(|| page.reasons.first().map_or("", |reason| Reason::code(*reason)));
            span.page(page.number, timed.began, timed.took, &spent, why);
        }
        self.begin(Stage::Recognize);
    }

    /// The document is in another stage now.
    fn begin(&self, stage: Stage) -> Instant {
        let since = Instant::now();
        lock(&self.stages.under_way).insert(self.record.clone(), UnderWay { stage, since });
        since
    }

    fn note(&self, stage: Stage, began: Instant, took: Duration, failed: bool) {
        self.stages.count(stage, took, failed);
        if let Some(span) = &self.span {
            span.stage(stage, began, took, failed);
        }
    }
}

impl Drop for Course<'_> {
    fn drop(&mut self) {
        lock(&self.stages.under_way).remove(&self.record);
    }
}

/// What a child says of a page's stages, in order, as far as it fits into the time that the page took.
fn within(spent: &Spent, took: Duration) -> Vec<(Stage, Duration)> {
    let mut left = took;
    let fits = |(stage, micros): (&Stage, &u32)| {
        let of_stage = Duration::from_micros(u64::from(*micros)).min(left);
        left -= of_stage;
        (*stage, of_stage)
    };
    spent.iter().map(fits).collect()
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sohoa_digitize::ReadPage;

    fn timed(spent: Spent, took: Duration) -> Timed {
        Timed { page: ReadPage::failed(1, Reason::PageTimeout), began: Instant::now(), took, spent }
    }

    #[tokio::test]
    async fn a_stage_is_counted_with_its_failures_and_the_document_is_under_way_until_its_course_ends() {
        let stages = Stages::default();
        let course = stages.course("one", 1);
        course.time(Stage::Fetch, async { Ok::<_, ()>(()) }).await.unwrap();
        course.time_now(Stage::Render, || Err::<(), _>(())).unwrap_err();
        assert_eq!(stages.under_way()["one"].stage, Stage::Render);
        let figures = stages.figures();
        assert_eq!((figures[&Stage::Fetch].runs, figures[&Stage::Fetch].failures), (1, 0));
        assert_eq!((figures[&Stage::Render].runs, figures[&Stage::Render].failures), (1, 1));
        drop(course);
        assert!(stages.under_way().is_empty());
    }

    #[test]
    fn a_child_cannot_say_that_a_page_took_longer_than_it_did() {
        let stages = Stages::default();
        let second = Duration::from_secs(1);
        let spent = Spent::from([(Stage::Decode, 400_000), (Stage::Recognize, u32::MAX), (Stage::Correct, u32::MAX)]);
        stages.course("one", 1).note_page(&timed(spent, second));
        let figures = stages.figures();
        assert_eq!(figures.values().map(|of| of.took).sum::<Duration>(), second);
        assert_eq!(figures[&Stage::Decode].failures, 0, "the page failed in the last stage that it reached");
        assert_eq!(figures[&Stage::Correct].failures, 1);
    }

    #[test]
    fn a_page_without_an_answer_is_counted_once() {
        let stages = Stages::default();
        stages.course("one", 1).note_page(&timed(Spent::new(), Duration::from_secs(2)));
        let expected = Figures { runs: 1, took: Duration::from_secs(2), failures: 1 };
        assert_eq!(stages.figures(), BTreeMap::from([(Stage::Decode, expected)]));
    }
}
