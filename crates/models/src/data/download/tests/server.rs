//! A mirror on this machine, which can misbehave.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

/// What a mirror answers to one path.
#[derive(Clone)]
pub(super) enum Answer {
    /// A body, and the length that is claimed for it.
    Body { claimed: usize, body: Vec<u8> },
    /// The same, and then nothing, on an open connection.
    Stall { claimed: usize, body: Vec<u8> },
    /// Nothing on an open connection.
    Silence,
    /// A body that goes on until the client hangs up.
    Endless,
}

impl Answer {
    pub(super) fn body(body: Vec<u8>) -> Self {
        let claimed = body.len();
        Self::Body { claimed, body }
    }
}

/// Answers until the process ends; other paths than the given ones are not found.
pub(super) struct Server {
    pub(super) url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(super) fn new(answers: impl IntoIterator<Item = (&'static str, Answer)>) -> Self {
        let answers: Vec<_> = answers.into_iter().collect();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = asked.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                let path = requested(&stream);
                let answer = answers.iter().find(|(known, _)| *known == path);
                let answer = answer.map(|(_, answer)| answer.clone());
                log.lock().unwrap().push(path);
                // a client that hangs up is no fault of the server
                thread::spawn(move || {
                    let _ = reply(stream, answer);
                });
            }
        });
        Self { url, asked }
    }

    /// The paths that were asked for, in order.
    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// The URL of a port that nobody listens on.
pub(super) fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}/", listener.local_addr().unwrap())
}

fn requested(stream: &TcpStream) -> String {
    let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
    let path = lines.next().unwrap().split(' ').nth(1).unwrap().to_string();
    lines.find(String::is_empty);
    path
}

fn reply(mut stream: TcpStream, answer: Option<Answer>) -> std::io::Result<()> {
    let head = |claimed: usize| {
        format!("HTTP/1.1 200 OK\r\nContent-Length: {claimed}\r\nConnection: close\r\n\r\n")
    };
    let pause = Duration::from_secs(5);
    match answer {
        None => stream.write_all(
            b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno",
        ),
        Some(Answer::Body { claimed, body }) => {
            stream.write_all(head(claimed).as_bytes())?;
            stream.write_all(&body)
        }
        Some(Answer::Stall { claimed, body }) => {
            stream.write_all(head(claimed).as_bytes())?;
            stream.write_all(&body)?;
            thread::sleep(pause);
            Ok(())
        }
        Some(Answer::Silence) => {
            thread::sleep(pause);
            Ok(())
        }
        Some(Answer::Endless) => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
            loop {
                stream.write_all(&[7; 4096])?;
            }
        }
    }
}
