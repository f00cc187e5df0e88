//! TLS with an authority and a client certificate of one's own.
//!
//! `cargo run -p mqtt5-blocking --example tls_client_certificate -- mqtts://broker.example ca.pem client.pem client.key`

use core::error::Error;
use core::time::Duration;
use std::path::Path;

use mqtt5_blocking::Builder;
use mqtt5_host::Tls;

pub(crate) fn run(url: &str, authority: &Path, certificate: &Path, key: &Path) -> Result<(), Box<dyn Error>> {
    // Without `roots_file`, the operating system says whom to believe.
    let tls = Tls::new().roots_file(authority)?.client_certificate_files(certificate, key)?;
    let (client, _events) = Builder::new(url)?.client_id("example").tls(tls).connect()?;
    client.close(Duration::from_secs(5))?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [url, authority, certificate, key] = args.as_slice() else {
        return Err("a URL and three files are wanted: authority, certificate, key".into());
    };
    run(url, authority.as_ref(), certificate.as_ref(), key.as_ref())?;
    println!("connected, and said goodbye");
    Ok(())
}
