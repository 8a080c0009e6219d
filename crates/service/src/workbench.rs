//! One source from lease to commit: read in the page children, compared with the registers, signed, sealed, committed, noted for the log.
//! Whoever has jobs to do, a batch or a service, does them here; it does *not* choose the next job or tell anybody how one ended.

use crate::archive_home::{HomeError, Run};
use crate::cause::Cause;
use crate::commands;
use crate::config::Config;
use crate::logbook::Logbook;
use crate::sandbox::{Children, SourceFile};
use crate::sealing::{self, Captured, Made};
use crate::sign::Sealer;
use crate::stages::{Course, Stages};
use crate::witness::{self, Registers};
use crate::worker::{self, Document, How, WorkError, read_document};
use crate::{keyring, time};
use sohoa_archive::queue::{Failure, Order};
use sohoa_archive::{Archive, ArrivalNote, Job, Remedy};
use sohoa_digitize::extract::templates::Templates;
use sohoa_digitize::recognize::EngineInfo;
use sohoa_digitize::render::Meta;
use sohoa_record::manifest::{Dossier, Manifest, Part, State};
use sohoa_record::{Sha256Hex, Stage};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// A lease, and how often it is renewed while a document is worked on.
pub const LEASE_MS: i64 = 5 * 60 * 1000;
const HEARTBEAT: Duration = Duration::from_secs(60);
/// A store that is away is asked again after this long, doubled each time.
pub const FIRST_BACK_OFF: Duration = Duration::from_secs(2);

/// Why work cannot go on. What arrived is safe; the next run takes it up.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum Halt {
    #[error(transparent)]
    Archive(#[from] sohoa_archive::Error),
    #[error(transparent)]
    Work(#[from] WorkError),
    #[error(transparent)]
    Key(#[from] keyring::KeyringError),
    #[error(transparent)]
    Home(#[from] HomeError),
}

/// All that documents are made with.
pub struct Workbench<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The archive.
    pub archive: &'a Archive,
    /// This run's place.
    pub run: &'a Run,
    /// The readers.
    pub children: &'a Children,
    /// What they read with.
    pub engine: EngineInfo,
    /// The kinds of paper that are known.
    pub templates: Arc<Templates>,
    /// What seals, and signs what is sealed at once.
    pub sealer: Sealer<'a>,
    /// Where receipts are noted.
    pub logbook: &'a Logbook,
    /// Where it is noted what each stage takes.
    pub stages: &'a Stages,
    /// True for a service that stays: it waits for a store that is away, where a batch gives its documents up after some attempts.
    pub stays: bool,
}

/// How the work on a job ended.
pub enum Ended {
    /// Its documents are committed: their manifests, in order.
    Done(Vec<Manifest>),
    /// It is tried again later.
    Later(Halt),
    /// It is put aside until somebody asks for it again.
    GivenUp(Halt),
    /// It was dropped because everything stops; the attempt does not count.
    Stopped,
}

impl Workbench<'_> {
    /// Takes the next job in that order.
    pub async fn lease(&self, order: Order) -> Result<Option<Job>, sohoa_archive::Error> {
        self.archive.queue.lease(time::now_ms(), &self.run.owner, LEASE_MS, self.config.ingest.max_attempts, order).await
    }

    /// Does a job and decides what becomes of it, unless `stop` becomes true before. `on_page` is told of each page that is read. The error
    /// is one that stops everything; the job was given back then.
    pub async fn finish(&self, job: &Job, on_page: &(dyn Fn() + Sync), stop: &mut watch::Receiver<bool>) -> Result<Ended, Halt> {
        let finished = tokio::select! {
            finished = self.with_heartbeat(job, on_page) => finished,
            _ = stop.wait_for(|stop| *stop) => {
                return match self.archive.queue.release(job).await {
                    // It may have been dropped just after its commit, which ended the lease: then there is nothing to give back.
                    Ok(()) | Err(sohoa_archive::Error::LeaseLost { .. }) => Ok(Ended::Stopped),
                    Err(error) => Err(error.into()),
                };
            }
        };
        let error = match finished {
            Ok(manifests) => return Ok(Ended::Done(manifests)),
            // What cannot be found may be gone with all the rest.
            Err(error @ Halt::Archive(sohoa_archive::Error::Missing { .. })) => match self.archive.check_is_there().await {
                Err(away) => away.into(),
                Ok(()) => error,
            },
            Err(error) => error,
        };
        use sohoa_archive::Error::{Altered, Missing};
        let remedy = match &error {
            Halt::Archive(sohoa_archive::Error::Store { .. }) if self.stays => Remedy::Halt,
            // Its own scan is gone or is no longer what arrived: that is this document's trouble, and the others go on.
            Halt::Archive(Missing { digest } | Altered { digest, .. }) if *digest == job.source_sha256 => Remedy::Document,
            Halt::Archive(error) => error.remedy(),
            _ => Remedy::Halt,
        };
        let most = self.config.ingest.max_attempts;
        let (failure, given_up) = match remedy {
            Remedy::Halt => {
                self.archive.queue.release(job).await?;
                return Err(error);
            }
            Remedy::Retry => {
                let wait = FIRST_BACK_OFF.as_millis() as i64 * (1 << job.attempt.min(6));
                (Failure::RetryAt(time::now_ms() + wait), job.attempt >= most)
            }
            Remedy::Document => (Failure::Dead, true),
        };
        tracing::warn!(record = %job.record, attempt = job.attempt, "{error}");
        self.archive.queue.fail(job, failure, most, &Cause::of(&error).kept(&error)).await?;
        Ok(if given_up { Ended::GivenUp(error) } else { Ended::Later(error) })
    }

    async fn with_heartbeat(&self, job: &Job, on_page: &(dyn Fn() + Sync)) -> Result<Vec<Manifest>, Halt> {
        let document = self.document(job, on_page);
        tokio::pin!(document);
        let mut beat = tokio::time::interval(HEARTBEAT);
        beat.tick().await;
        loop {
            tokio::select! {
                done = &mut document => return done,
                _ = beat.tick() => self.archive.queue.extend(time::now_ms(), job, LEASE_MS).await?,
            }
        }
    }

    /// One source from lease to commit; the documents in it, in order.
    async fn document(&self, job: &Job, on_page: &(dyn Fn() + Sync)) -> Result<Vec<Manifest>, Halt> {
        if let Some(opened) = self.archive.resume(&job.record).await? {
            // An earlier try got past the commit point, which is that of the first document: the others were there before.
            let mut documents = vec![opened];
            for number in 2..=documents[0].manifest.part.map_or(1, |part| part.of) {
                documents.extend(self.archive.resume(&job.record.part(number)).await?);
            }
            // It may have been stopped before its leaf.
            for opened in &documents {
                self.logbook.note_or_warn(opened).await;
            }
            return Ok(documents.into_iter().map(|opened| opened.manifest).collect());
        }
        let course = self.stages.course(job.record.as_str(), job.attempt);
        let (note, path) = course.time(Stage::Fetch, self.fetch(job)).await?;
        let source = SourceFile { path, name: note.name.clone(), key: job.source_sha256.to_string() };
        let folder = self.run.folder.join(job.record.as_str());
        std::fs::create_dir_all(&folder).map_err(|e| WorkError::Spool(folder.clone(), e))?;
        // Times in the PDF are those of arrival: a document that is done again gives the same bytes.
        let created = time::parse(&note.arrived_at).unwrap_or_else(time::now);
        let meta = |number: u32| meta(&note.name, created.clone(), &job.source_sha256, number);
        let on_page = |_, _| on_page();
        let sheets = self.config.sheets();
        let how = How {
            profile: commands::profile(self.config),
            templates: &self.templates,
            sheets: Some(&sheets),
            by_content: self.config.divide.by_content,
            payload_separators: &self.config.codes.payload_separators,
            course: &course,
            meta: &meta,
        };
        let outcome = read_document(self.children, &source, &folder, &how, on_page).await;
        let sealed = match outcome {
            Ok(outcome) => self.seal(job, &note, outcome, &course).await,
            Err(error) => Err(error.into()),
        };
        let _ = std::fs::remove_dir_all(&folder);
        sealed
    }

    /// The scan that arrived, and where it lies. What is read is what arrived.
    async fn fetch(&self, job: &Job) -> Result<(ArrivalNote, PathBuf), Halt> {
        let missing = || sohoa_archive::Error::Missing { digest: job.source_sha256.clone() };
        let note = self.archive.arrival(&job.source_sha256).await?.ok_or_else(missing)?;
        self.archive.objects.verify(&job.source_sha256).await?;
        Ok((note, self.archive.objects.local_path(&job.source_sha256).ok_or_else(missing)?))
    }

    /// Commits the documents of a source from the last to the first. The first has the record of the arrival, by which the next run
    /// knows that the source is done; whatever stops us before leaves a job, and doing that again comes to the same records.
    async fn seal(
        &self,
        job: &Job,
        note: &ArrivalNote,
        mut outcome: worker::Outcome,
        course: &Course<'_>,
    ) -> Result<Vec<Manifest>, Halt> {
        // The store may have gone while the pages were read: nothing is to be written into an empty mount point.
        self.archive.check_is_there().await?;
        // It was looked at before it was read. One that was exchanged since may not be what was read, so nothing is said of it.
        self.archive.objects.verify(&job.source_sha256).await?;
        let captured = |number: u32| Captured {
            record: job.record.part(number),
            source: note.digests.clone(),
            name: note.name.clone(),
            arrived_at: note.arrived_at.clone(),
            dossier: note.dossier.clone(),
            operator: self.config.operator(),
        };
        let mut manifests = Vec::new();
        match &mut outcome {
            worker::Outcome::Refused { reason, detail } => {
                tracing::info!(record = %job.record, "refused: {reason}: {detail}");
                let refused = sealing::capture(captured(1), Made::Refused(*reason), &self.engine)?;
                manifests.push(self.commit(refused, None, course).await?);
            }
            worker::Outcome::Done(done) => {
                let of = done.documents.len() as u32;
                self.archive.check_division(&job.record, &job.source_sha256, of).await?;
                for (document, number) in done.documents.iter_mut().rev().zip((1..=of).rev()) {
                    self.ask_registers(&note.dossier, document).await?;
                    // What may be signed is stored when it is known what becomes of it.
                    let may_be_signed = self.sealer.signing.is_some() && document.digitized.state == State::Sealed;
                    let put = |path| course.time(Stage::Store, self.put(path));
                    let pdf = if may_be_signed { digests(&document.pdf).await? } else { put(&document.pdf).await? };
                    let text = put(&document.text).await?;
                    let part = (of > 1).then_some(Part { number, of });
                    let made = Made::Read { info: &done.source, signatures: &done.signatures, document, part, pdf, text };
                    let manifest = sealing::capture(captured(number), made, &self.engine)?;
                    manifests.push(self.commit(manifest, may_be_signed.then_some(&document.pdf), course).await?);
                }
            }
        }
        manifests.reverse();
        Ok(manifests)
    }

    async fn commit(&self, manifest: Manifest, spooled: Option<&PathBuf>, course: &Course<'_>) -> Result<Manifest, Halt> {
        let sealed = self.sealer.seal(self.archive, manifest, spooled.map(PathBuf::as_path));
        let receipt = course.time(Stage::Seal, sealed).await?;
        let commit = course.time(Stage::Store, self.archive.commit(&receipt)).await?;
        self.logbook.note_or_warn(commit.opened()).await;
        Ok(commit.opened().manifest.clone())
    }

    /// What a hand wrote may stand in a register.
    async fn ask_registers(&self, dossier: &Dossier, document: &mut Document) -> Result<(), Halt> {
        let digitized = &mut document.digitized;
        if digitized.state != State::Review {
            return Ok(());
        }
        let mut dossier = dossier.clone();
        dossier.code = dossier.code.or(document.dossier.clone()).or(digitized.dossier.clone());
        // Asked for anew: a register may have been imported since.
        let registers = Registers::that_count(self.archive).await?;
        if witness::confirm(self.archive, &registers, &dossier, &mut digitized.fields).await? {
            digitized.state = sealing::settle(&digitized.fields, &mut digitized.reasons);
        }
        Ok(())
    }

    async fn put(&self, path: &PathBuf) -> Result<sohoa_record::Digests, Halt> {
        let mut file = tokio::fs::File::open(path).await.map_err(|e| WorkError::Spool(path.clone(), e))?;
        Ok(self.archive.objects.put_file(&mut file, &path.display().to_string()).await?)
    }
}

/// Size and digests of a file in the spool.
async fn digests(path: &Path) -> Result<sohoa_record::Digests, WorkError> {
    let spool = |e| WorkError::Spool(path.to_owned(), e);
    let mut file = std::fs::File::open(path).map_err(spool)?;
    let hashed = tokio::task::spawn_blocking(move || {
        let (mut hasher, mut piece) = (sohoa_record::Hasher::new(), vec![0; 1 << 18]);
        loop {
            match file.read(&mut piece)? {
                0 => return Ok(hasher.finish()),
                n => hasher.update(&piece[..n]),
            }
        }
    });
    hashed.await.unwrap_or_else(|e| Err(std::io::Error::other(e))).map_err(spool)
}

/// What a document's PDF says of itself. The first document of a source is told apart from the others by nothing: most are the only.
fn meta(name: &str, created: jiff::Zoned, source: &Sha256Hex, number: u32) -> Meta {
    if number == 1 {
        return Meta { title: name.to_owned(), created, id: commands::digitize::document_id(source) };
    }
    let id = commands::digitize::document_id(&Sha256Hex::of(format!("{source}\0{number}").as_bytes()));
    Meta { title: format!("{name} ({number})"), created, id }
}
