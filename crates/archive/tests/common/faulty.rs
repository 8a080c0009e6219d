//! An object store that fails on purpose: at the n-th write or delete, before it or after it.
//!
//! Failing after the write is what a network does that loses only the answer: the caller is told of an error and the bytes are
//! there. Both must end the same.

use async_trait::async_trait;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt as _,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    BeforeTheWrite,
    AfterTheWrite,
}

#[derive(Clone, Debug)]
pub struct Faulty {
    inner: Arc<dyn ObjectStore>,
    fault: Option<(usize, When)>,
    writes: Arc<AtomicUsize>,
}

impl Faulty {
    /// Fails at the write of that number, from 0, or never.
    pub fn over(inner: Arc<dyn ObjectStore>, fault: Option<(usize, When)>) -> Self {
        Self { inner, fault, writes: Arc::default() }
    }

    /// Writes and deletes that were asked for so far.
    pub fn writes(&self) -> usize {
        self.writes.load(Ordering::SeqCst)
    }

    fn next_write(&self) -> Option<When> {
        let n = self.writes.fetch_add(1, Ordering::SeqCst);
        self.fault.filter(|(at, _)| *at == n).map(|(_, when)| when)
    }
}

async fn with_fault<T>(fault: Option<When>, write: impl Future<Output = Result<T>>) -> Result<T> {
    if fault == Some(When::BeforeTheWrite) {
        return Err(broken());
    }
    let done = write.await;
    if fault == Some(When::AfterTheWrite) { Err(broken()) } else { done }
}

fn broken() -> object_store::Error {
    object_store::Error::Generic { store: "faulty", source: "broken on purpose".into() }
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "faulty {}", self.inner)
    }
}

#[async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        with_fault(self.next_write(), self.inner.put_opts(location, payload, opts)).await
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        let inner = self.inner.put_multipart_opts(location, opts).await?;
        Ok(Box::new(FaultyUpload { inner, store: self.clone() }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let store = self.clone();
        let deleted = locations.then(move |location| {
            let store = store.clone();
            async move {
                let location = location?;
                let fault = store.next_write();
                with_fault(fault, async { store.inner.delete(&location).await.map(|()| location.clone()) }).await
            }
        });
        deleted.boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        with_fault(self.next_write(), self.inner.copy_opts(from, to, options)).await
    }
}

#[derive(Debug)]
struct FaultyUpload {
    inner: Box<dyn MultipartUpload>,
    store: Faulty,
}

#[async_trait]
impl MultipartUpload for FaultyUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let fault = self.store.next_write();
        let part = self.inner.put_part(data);
        Box::pin(with_fault(fault, part))
    }

    async fn complete(&mut self) -> Result<PutResult> {
        with_fault(self.store.next_write(), self.inner.complete()).await
    }

    async fn abort(&mut self) -> Result<()> {
        self.inner.abort().await
    }
}
