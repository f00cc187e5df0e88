//! The way to a broker through a proxy, and what is told of one that does not let us.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that meets these has failed")]

mod support;

use core::time::Duration;
use std::process::Output;

use support::free_port;
use support::proxy::Proxy;
use support::running::{Broker, oc2};

/// Asks who is there by way of a proxy, at a broker that only the proxy knows.
fn discover(proxy: &str) -> Output {
    oc2(&["discover", "-h", "broker.invalid", "-p", "1884", "-W", "5", "-C", "1", "--proxy", proxy]).output().unwrap()
}

#[track_caller]
fn refused(proxy: &str, part: &str) {
    let output = discover(proxy);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.starts_with("oc2: ") && stderr.contains(part) && stderr.lines().count() == 1, "{part}: {stderr}");
    assert!(!stderr.contains("secret") && !stderr.contains("wrong"), "{stderr}");
}

#[test]
fn a_broker_behind_a_proxy_is_reached_by_its_name() {
    let broker = Broker::start();
    let _consumer = broker.consume(&["--device", "fw1", "--slpf"]);
    let port = broker.port.parse().unwrap();
    let (socks, http) = (Proxy::socks5(port), Proxy::http(port));
    for (proxy, scheme, asked) in
        [(socks, "socks5h", "zulu broker.invalid:1884"), (http, "http", "CONNECT broker.invalid:1884 HTTP/1.1")]
    {
        let output = discover(&format!("{scheme}://zulu:secret@127.0.0.1:{}", proxy.port));
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(String::from_utf8_lossy(&output.stdout).contains("fw1"));
        assert_eq!(proxy.asked.recv_timeout(Duration::from_secs(5)).unwrap(), asked);
    }
}

#[test]
fn a_proxy_that_refuses_or_is_none_is_one_line() {
    let (socks, http) = (Proxy::socks5(1), Proxy::http(1));
    refused(
        &format!("socks5h://zulu:wrong@127.0.0.1:{}", socks.port),
        &format!("the proxy socks5h://127.0.0.1:{}: ", socks.port),
    );
    refused(&format!("socks5h://127.0.0.1:{}", socks.port), "the proxy socks5h://127.0.0.1:");
    refused(&format!("http://127.0.0.1:{}", http.port), "proxy authorization required");
    refused(&format!("http://127.0.0.1:{}", free_port()), "refused");
    refused("ftp://u:secret@127.0.0.1", "--proxy: expected socks5h://");
}
