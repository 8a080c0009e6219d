//! Objects: what goes in comes out, and nothing else does.

#![allow(clippy::unwrap_used)]

mod common;

use common::Place;
use futures::TryStreamExt as _;
use sohoa_archive::{Archive, Error, Remedy};
use sohoa_record::{Digests, Sha256Hex};
use std::fs;
use tokio::fs::File;

async fn streamed(archive: &Archive, digest: &Sha256Hex) -> Result<Vec<u8>, Error> {
    let pieces: Vec<_> = archive.objects.open(digest).await?.try_collect().await?;
    Ok(pieces.concat())
}

#[tokio::test]
async fn files_of_every_size_come_back_and_have_the_digests_of_their_bytes() {
    let place = Place::new();
    let archive = place.open().await;
    let part = 8 << 20;
    for size in [0, 1, 300_000, part - 1, part, part + 1, 2 * part, 2 * part + 5] {
        let bytes: Vec<u8> = (0..size).map(|i| (i * 31 % 251) as u8).collect();
        let path = place.file("scan");
        fs::write(&path, &bytes).unwrap();
        let mut file = File::open(&path).await.unwrap();
        let digests = archive.objects.put_file(&mut file, "scan").await.unwrap();
        assert_eq!(digests, Digests::of(&bytes), "{size}");
        // again, from wherever the file stands, and as bytes
        assert_eq!(archive.objects.put_file(&mut file, "scan").await.unwrap(), digests);
        assert_eq!(archive.objects.put(bytes.clone()).await.unwrap(), digests);
        assert!(
            archive.objects.get(&digests.sha256).await.unwrap() == bytes
                && streamed(&archive, &digests.sha256).await.unwrap() == bytes
        );
        assert_eq!(archive.objects.size(&digests.sha256).await.unwrap(), Some(size as u64));
        assert_eq!(fs::read(archive.objects.local_path(&digests.sha256).unwrap()).unwrap().len(), size);
    }
    assert_eq!(archive.objects.list().try_collect::<Vec<_>>().await.unwrap().len(), 8);
}

#[tokio::test]
async fn altered_objects_are_named_by_every_reader_and_never_overwritten() {
    let place = Place::new();
    let archive = place.open().await;
    let digest = archive.objects.put(&b"what was stored"[..]).await.unwrap().sha256;
    fs::write(archive.objects.local_path(&digest).unwrap(), b"what was storeD").unwrap();
    let errors = [
        archive.objects.get(&digest).await.map(drop).unwrap_err(),
        streamed(&archive, &digest).await.map(drop).unwrap_err(),
        archive.objects.verify(&digest).await.map(drop).unwrap_err(),
        archive.objects.put(&b"what was stored"[..]).await.map(drop).unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(&error, Error::Altered { digest: named, .. } if *named == digest), "{error}");
        assert_eq!(error.remedy(), Remedy::Halt);
    }
    assert_eq!(fs::read(archive.objects.local_path(&digest).unwrap()).unwrap(), b"what was storeD");
}

#[tokio::test]
async fn what_is_not_there_is_missing() {
    let place = Place::new();
    let archive = place.open().await;
    let digest = Sha256Hex::of(b"never stored");
    assert_eq!(archive.objects.size(&digest).await.unwrap(), None);
    assert!(matches!(archive.objects.get(&digest).await, Err(Error::Missing { .. })));
    assert!(matches!(streamed(&archive, &digest).await, Err(Error::Missing { .. })));
}

#[tokio::test]
async fn a_file_that_changes_while_it_is_read_is_not_archived() {
    // the two readings go through one open file; the writer changes it between them
    let place = Place::new();
    let archive = place.open().await;
    let path = place.file("scan");
    fs::write(&path, vec![1; 9 << 20]).unwrap();
    let growing = tokio::spawn({
        let path = path.clone();
        async move {
            use std::io::Write as _;
            loop {
                let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
                file.write_all(b"more").unwrap();
                tokio::task::yield_now().await;
            }
        }
    });
    let mut file = File::open(&path).await.unwrap();
    let error = archive.objects.put_file(&mut file, "scan").await.unwrap_err();
    growing.abort();
    assert!(matches!(error, Error::SourceChanged { .. }), "{error}");
    assert_eq!(error.remedy(), Remedy::Retry);
    assert!(!place.stored().iter().any(|path| path.is_file()), "{:?}", place.stored());
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_said_so() {
    let place = Place::new();
    let error = Archive::open_folder(&place.file("nowhere"), &place.database(), common::policy()).await.unwrap_err();
    assert!(error.to_string().contains("nowhere") && error.to_string().contains("sohoa init"), "{error}");
}
