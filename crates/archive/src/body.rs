//! The text of a record's pages as the index takes it in, corrected words in their places: read from the text object in
//! pieces, re-hashed on the way, so that a record of a thousand pages costs its plain text in memory and no more.

use crate::error::{Error, Result};
use crate::objects::Objects;
use bytes::{Buf as _, Bytes};
use futures::TryStreamExt as _;
use sohoa_record::manifest::Role;
use sohoa_record::page_texts::read_pages;
use sohoa_record::seal::Opened;
use std::io::{self, BufReader};
use tokio::sync::mpsc;

/// Pieces that may wait between the store and the parser.
const PIECES: usize = 16;

/// The words of all pages, a line of the page a line, an empty line between pages; empty when the revision has no text object.
pub(crate) async fn read(objects: &Objects, opened: &Opened) -> Result<String> {
    let Some(object) = opened.manifest.object(Role::Text) else { return Ok(String::new()) };
    let digest = &object.digests.sha256;
    let mut pieces = objects.open(digest).await?;
    let (send, receive) = mpsc::channel(PIECES);
    let parser = tokio::task::spawn_blocking(move || {
        let mut body = String::new();
        read_pages(BufReader::new(Pieces { receive, piece: Bytes::new() }), |page| {
            body.push_str(&page.search_text());
            body.push('\n');
        })?;
        Ok(body)
    });
    while let Some(piece) = pieces.try_next().await? {
        // A parser that gave up is no reason to stop: the rest tells whether the object was altered, which is the better cause.
        let _ = send.send(piece).await;
    }
    drop(send);
    match parser.await {
        Ok(parsed) => parsed.map_err(|e| Error::malformed_text(digest, e)),
        Err(stopped) => Err(Error::malformed(crate::layout::object(digest), stopped)),
    }
}

/// The pieces as a blocking reader.
struct Pieces {
    receive: mpsc::Receiver<Bytes>,
    piece: Bytes,
}

impl io::Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.receive.blocking_recv() {
                Some(piece) => self.piece = piece,
                None => return Ok(0),
            }
        }
        let n = buffer.len().min(self.piece.len());
        self.piece.copy_to_slice(&mut buffer[..n]);
        Ok(n)
    }
}
