//! Against a small server on this machine: nothing here needs a network.
#![allow(clippy::unwrap_used)]

mod server;

use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use flate2::{Compression, write::GzEncoder};
use tempfile::TempDir;
use ureq::Agent;

use super::*;
use crate::data::{fashion_mnist, mnist};
use server::{Answer, Server, nobody};

const ABC: Published = Published {
    name: "abc",
    size: 3,
    sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
};
const EMPTY: Published = Published {
    name: "empty",
    size: 0,
    sha256: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Straight to the server, whatever proxy this machine has, and impatient.
fn agent() -> Agent {
    let config = Agent::config_builder().proxy(None);
    let config = config.timeout_per_read(Some(Duration::from_millis(500)));
    config.build().into()
}

fn source(files: &[Published], mirrors: &[&str]) -> Source {
    Source {
        data: DataSet::Mnist,
        files: files.to_vec(),
        mirrors: mirrors.iter().map(|&mirror| mirror.to_string()).collect(),
        agent: agent(),
    }
}

/// A folder that does not exist yet.
fn folder() -> (TempDir, PathBuf) {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("cache/data/mnist");
    (root, folder)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// The reason why the only mirror, which answers so, is of no use. Nothing may be left in the folder.
fn reason(answer: Answer) -> String {
    let server = Server::new([("/abc.gz", answer)]);
    let (_root, folder) = folder();
    let error = source(&[ABC], &[&server.url])
        .complete(&folder)
        .unwrap_err();
    assert_eq!(names(&folder), [""; 0]);
    let DataError::Download { attempts, file, .. } = error else {
        panic!("{error}")
    };
    assert_eq!(file, "abc");
    assert_eq!(attempts.len(), 1);
    assert_eq!(attempts[0].url, format!("{}abc.gz", server.url));
    attempts[0].reason.clone()
}

#[test]
fn missing_files_are_downloaded_once() {
    let server = Server::new([
        ("/abc.gz", Answer::body(gzip(b"abc"))),
        // a mirror, or a proxy on the way, that unpacks
        ("/empty.gz", Answer::body(b"".to_vec())),
    ]);
    let (_root, folder) = folder();
    for _ in 0..2 {
        source(&[ABC, EMPTY], &[&server.url])
            .complete(&folder)
            .unwrap();
        assert_eq!(names(&folder), ["abc", "empty"]);
        assert_eq!(fs::read(folder.join("abc")).unwrap(), b"abc");
        assert_eq!(server.asked(), ["/abc.gz", "/empty.gz"]);
    }
}

#[test]
fn files_put_there_by_hand_need_no_mirror() {
    let (_root, folder) = folder();
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("abc.gz"), gzip(b"abc")).unwrap();
    fs::write(folder.join("empty"), b"").unwrap();
    source(&[ABC, EMPTY], &[]).complete(&folder).unwrap();
    assert_eq!(names(&folder), ["abc.gz", "empty"]);
}

#[test]
fn a_damaged_file_is_replaced() {
    let server = Server::new([("/abc.gz", Answer::body(gzip(b"abc")))]);
    let packed = gzip(b"abc");
    let damaged: [(&str, &[u8]); 4] = [
        ("abc", b"abd"),
        ("abc", b"ab"),
        ("abc.gz", &packed[..packed.len() - 4]),
        ("abc.gz", b""),
    ];
    for (i, (name, bytes)) in damaged.into_iter().enumerate() {
        let (_root, folder) = folder();
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(name), bytes).unwrap();
        source(&[ABC], &[&server.url]).complete(&folder).unwrap();
        assert_eq!(fs::read(folder.join("abc")).unwrap(), b"abc");
        assert_eq!(server.asked().len(), i + 1);
    }
}

#[test]
fn a_good_mirror_follows_bad_ones_and_goes_first_from_then_on() {
    let missing = Server::new([]);
    let wrong = Server::new([("/abc.gz", Answer::body(gzip(b"abd")))]);
    let good = Server::new([
        ("/abc.gz", Answer::body(gzip(b"abc"))),
        ("/empty.gz", Answer::body(gzip(b""))),
    ]);
    let (_root, folder) = folder();
    let mirrors = [&*nobody(), &missing.url, &wrong.url, &good.url];
    source(&[ABC, EMPTY], &mirrors).complete(&folder).unwrap();
    assert_eq!(names(&folder), ["abc", "empty"]);
    assert_eq!(missing.asked(), ["/abc.gz"]);
    assert_eq!(wrong.asked(), ["/abc.gz"]);
    assert_eq!(good.asked(), ["/abc.gz", "/empty.gz"]);
}

#[test]
fn what_is_not_the_published_file_is_refused() {
    let wrong = reason(Answer::body(gzip(b"abd")));
    let starts =
        "SHA-256 a52d159f262b2c6ddb724a61840befc36eb30c88877a4030b65cbe86298449c9, expected ba7816";
    assert!(wrong.starts_with(starts), "{wrong}");
    let short = reason(Answer::body(gzip(b"ab")));
    assert_eq!(short, "2 bytes, expected 3");
    let long = reason(Answer::body(gzip(&[0; 1_000_000])));
    assert_eq!(long, "more than 3 bytes, expected 3 bytes");
    let page = reason(Answer::body(b"<html>Please log in</html>".to_vec()));
    assert_eq!(page, "more than 3 bytes, expected 3 bytes");
}

#[test]
fn a_body_without_end_is_cut_off() {
    let endless = reason(Answer::Endless);
    assert_eq!(endless, "more than 3 bytes, expected 3 bytes");
}

#[test]
fn a_truncated_body_is_refused() {
    let packed = gzip(b"abc");
    let whole = packed.len();
    let half = packed[..whole / 2].to_vec();
    for claimed in [whole, whole / 2] {
        let body = half.clone();
        let early = reason(Answer::Body { claimed, body });
        assert!(early.contains("a gzip stream that breaks off"), "{early}");
    }
    let body = b"ab".to_vec();
    let early = reason(Answer::Body { claimed: 3, body });
    assert!(early.contains("disconnected"), "{early}");
}

#[test]
fn a_mirror_that_stalls_gives_way() {
    let stalled = reason(Answer::Silence);
    assert!(stalled.contains("timeout"), "{stalled}");
    let packed = gzip(b"abc");
    let (claimed, body) = (packed.len(), packed[..5].to_vec());
    let stalled = reason(Answer::Stall { claimed, body });
    assert!(stalled.contains("timeout"), "{stalled}");
}

/// Most mirrors are reached by HTTPS: it is compiled in, and does not fall back to plain HTTP.
#[test]
fn a_mirror_by_https_that_does_not_speak_it_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(&[b'x'; 100]).unwrap();
        // open until the client hangs up
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let (_root, folder) = folder();
    let error = source(&[ABC], &[&url]).complete(&folder).unwrap_err();
    assert!(error.to_string().contains("corrupt message"), "{error}");
}

#[test]
fn no_network_is_one_error_that_says_what_was_tried_and_what_to_do() {
    let (_root, folder) = folder();
    let (nobody, missing) = (nobody(), Server::new([]));
    let error = source(&[ABC, EMPTY], &[&nobody, &missing.url]).complete(&folder);
    let message = error.unwrap_err().to_string();
    let starts = format!("cannot download abc of MNIST: {nobody}abc.gz (io: ");
    assert!(message.starts_with(&starts), "{message}");
    for part in [
        "refused".to_string(),
        format!(
            "), {}abc.gz (http status: 404); put train-images",
            missing.url
        ),
        "t10k-labels-idx1-ubyte (each plain or with .gz) into ".to_string(),
        folder.display().to_string(),
        "--data-dir or SPARSE_DATA_DIR".to_string(),
    ] {
        assert!(message.contains(&part), "{part}: {message}");
    }
    assert_eq!(names(&folder), [""; 0]);
}

#[test]
fn a_damaged_file_without_network_is_an_error_and_stays() {
    let (_root, folder) = folder();
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("abc"), b"abd").unwrap();
    let error = source(&[ABC], &[&nobody()]).complete(&folder).unwrap_err();
    assert!(matches!(error, DataError::Download { .. }), "{error}");
    assert_eq!(fs::read(folder.join("abc")).unwrap(), b"abd");
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let server = Server::new([("/abc.gz", Answer::body(gzip(b"abc")))]);
    let (root, folder) = folder();
    fs::write(root.path().join("cache"), b"a file in the way").unwrap();
    let error = source(&[ABC], &[&server.url])
        .complete(&folder)
        .unwrap_err();
    let starts = format!("cannot write {}: ", folder.display());
    assert!(error.to_string().starts_with(&starts), "{error}");
    assert_eq!(server.asked(), [""; 0]);

    let taken = tempfile::tempdir().unwrap();
    fs::create_dir_all(taken.path().join("abc/x")).unwrap();
    let error = source(&[ABC], &[&server.url]).complete(taken.path());
    let starts = format!("cannot write {}: ", taken.path().join("abc").display());
    let message = error.unwrap_err().to_string();
    assert!(message.starts_with(&starts), "{message}");
    assert_eq!(names(taken.path()), ["abc"]);
}

/// The published sizes and checksums are those of the real files, and what is downloaded can be read.
#[test]
fn the_real_files_pass_from_a_mirror_to_the_reader() {
    let shared = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data"));
    if !shared.is_dir() {
        eprintln!("skipped: no real data at {}", shared.display());
        return;
    }
    for data in DataSet::ALL {
        let routes = data.files().map(|file| {
            let packed = fs::read(shared.join(data.folder()).join(format!("{}.gz", file.name)));
            (
                &*format!("/{}.gz", file.name).leak(),
                Answer::body(packed.unwrap()),
            )
        });
        let server = Server::new(routes);
        let (_root, folder) = folder();
        let source = Source {
            mirrors: vec![server.url.clone()],
            agent: agent(),
            ..Source::published(data)
        };
        source.complete(&folder).unwrap();
        let (train, test) = match data {
            DataSet::Mnist => {
                let read = mnist(&folder).unwrap();
                assert_eq!(
                    (read.labelled.len(), read.validation.len()),
                    (5_000, 10_000)
                );
                (read.train, read.test)
            }
            DataSet::FashionMnist => fashion_mnist(&folder).unwrap(),
        };
        assert_eq!((train.len(), test.len()), (60_000, 10_000));
        assert_eq!(names(&folder).len(), 4);
    }
}
