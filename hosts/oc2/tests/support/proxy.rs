//! Proxies as `--proxy` meets them: SOCKS5 and HTTP CONNECT, each of which joins to one broker whatever name it is asked for.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;

/// A proxy, and what it is asked for.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    pub(crate) asked: mpsc::Receiver<String>,
}

impl Proxy {
    fn start(broker: u16, talk: fn(&mut TcpStream, &mpsc::Sender<String>) -> io::Result<()>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, asked) = mpsc::channel();
        thread::spawn(move || {
            for client in listener.incoming() {
                let (mut client, sender) = (client.unwrap(), sender.clone());
                thread::spawn(move || {
                    if talk(&mut client, &sender).is_ok() {
                        join(client, TcpStream::connect(("127.0.0.1", broker)).unwrap());
                    }
                });
            }
        });
        Self { port, asked }
    }

    /// SOCKS5 with a user name and a password [RFC 1928, RFC 1929].
    pub(crate) fn socks5(broker: u16) -> Self {
        Self::start(broker, |client, asked| {
            let mut methods = [0; 3];
            client.read_exact(&mut methods)?;
            // Version 5, one method: user name and password.
            if methods != [5, 1, 2] {
                client.write_all(&[5, 0xFF])?;
                return Err(io::ErrorKind::InvalidData.into());
            }
            client.write_all(&[5, 2])?;
            let mut part = |head: usize| {
                let mut bytes = vec![0; head];
                client.read_exact(&mut bytes)?;
                bytes.resize(usize::from(bytes[head - 1]), 0);
                client.read_exact(&mut bytes)?;
                Ok::<_, io::Error>(String::from_utf8(bytes).unwrap())
            };
            let (name, password) = (part(2)?, part(1)?);
            let good = password == "secret";
            client.write_all(&[1, u8::from(!good)])?;
            if !good {
                return Err(io::ErrorKind::PermissionDenied.into());
            }
            // CONNECT to a name.
            let mut head = [0; 5];
            client.read_exact(&mut head)?;
            assert_eq!(head[..4], [5, 1, 0, 3]);
            let mut host = vec![0; usize::from(head[4]) + 2];
            client.read_exact(&mut host)?;
            let port = u16::from_be_bytes([host[host.len() - 2], host[host.len() - 1]]);
            host.truncate(host.len() - 2);
            asked.send(format!("{name} {}:{port}", String::from_utf8(host).unwrap())).unwrap();
            client.write_all(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
        })
    }

    /// HTTP, which wants to know who asks.
    pub(crate) fn http(broker: u16) -> Self {
        Self::start(broker, |client, asked| {
            let lines = BufReader::new(client.try_clone()?).lines();
            let head: Vec<String> = lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
            // zulu:secret
            if !head.iter().any(|line| line == "Proxy-Authorization: Basic enVsdTpzZWNyZXQ=") {
                client.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")?;
                return Err(io::ErrorKind::PermissionDenied.into());
            }
            asked.send(head[0].clone()).unwrap();
            client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
        })
    }
}

fn join(client: TcpStream, broker: TcpStream) {
    let pass = |mut from: TcpStream, mut to: TcpStream| {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    };
    let (up, down) = (client.try_clone().unwrap(), broker.try_clone().unwrap());
    thread::spawn(move || pass(up, down));
    pass(broker, client);
}
