//! A program that carries out commands: without a shell, with a deadline and a limit to what it prints, and killed with all its
//! children when it is over.

use core::time::Duration;
use std::ffi::OsString;
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};

/// Settings that are a password or may hold one.
const SECRETS: [&str; 3] = ["OC2_PASSWORD", "OC2_BROKER", "OC2_PROXY"];

/// The program, and what it may.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) program: OsString,
    pub(super) arguments: Vec<OsString>,
    pub(super) timeout: Duration,
    /// The most bytes that it may print.
    pub(super) output: usize,
    pub(super) device: String,
}

/// What the program is told beside the command.
#[derive(Debug)]
pub(super) struct About {
    pub(super) from: String,
    pub(super) request_id: String,
    pub(super) command_id: String,
}

/// A child with its process group: dropped, all of it is killed, also what the program left behind when it ended.
struct Group {
    child: Child,
    #[cfg(unix)]
    id: Option<rustix::process::Pid>,
}

impl Group {
    fn new(child: Child) -> Self {
        // The group has the number of the child that began it.
        #[cfg(unix)]
        let id = child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
        Self {
            child,
            #[cfg(unix)]
            id,
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Numbers are given in turn, so this one is nobody else's yet, should the group be gone.
        #[cfg(unix)]
        if let Some(id) = self.id {
            let _ = rustix::process::kill_process_group(id, rustix::process::Signal::KILL);
        }
    }
}

impl Program {
    /// Carries out one command, and gives the response in JSON, whatever happens.
    pub(super) async fn run(&self, command: &Value, about: &About) -> Value {
        match self.answer(command, about).await {
            Ok(response) => response,
            Err(why) => json!({"status": 500, "status_text": why}),
        }
    }

    async fn answer(&self, command: &Value, about: &About) -> Result<Value, String> {
        let mut group = Group::new(self.start(about)?);
        let (input, output) = (group.child.stdin.take(), group.child.stdout.take());
        let line = format!("{command}\n");
        let talk = async {
            let write = async {
                if let Some(mut input) = input {
                    // A program that reads nothing may answer all the same.
                    let _ = input.write_all(line.as_bytes()).await;
                }
            };
            let read = read(output, self.output);
            let ((), printed) = tokio::join!(write, read);
            let printed = printed?;
            let status = group.child.wait().await.map_err(|error| format!("The program is lost: {error}"))?;
            Ok::<_, String>((printed, status))
        };
        let (printed, status) = match tokio::time::timeout(self.timeout, talk).await {
            Ok(end) => end?,
            Err(_) => return Err(format!("The program gave no answer within {} s", self.timeout.as_secs_f64())),
        };
        if !status.success() {
            return Err(format!("The program ended with {status}"));
        }
        let text = printed.trim_ascii();
        if text.is_empty() {
            return Ok(json!({"status": 200}));
        }
        serde_json::from_slice(text).map_err(|error| format!("The program's answer is not JSON: {error}"))
    }

    fn start(&self, about: &About) -> Result<Child, String> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        command.env("OC2_FROM", &about.from).env("OC2_REQUEST_ID", &about.request_id);
        command.env("OC2_COMMAND_ID", &about.command_id).env("OC2_DEVICE", &self.device);
        // Passwords are none of its business.
        for secret in SECRETS {
            command.env_remove(secret);
        }
        #[cfg(unix)]
        command.process_group(0);
        command.spawn().map_err(|error| format!("The program cannot be started: {error}"))
    }
}

/// What the program prints, but not more than it may.
async fn read(output: Option<impl AsyncRead + Unpin>, most: usize) -> Result<Vec<u8>, String> {
    let Some(output) = output else { return Ok(Vec::new()) };
    let mut printed = Vec::new();
    let room = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    output
        .take(room)
        .read_to_end(&mut printed)
        .await
        .map_err(|error| format!("The program's answer is lost: {error}"))?;
    if printed.len() > most {
        return Err(format!("The program printed more than {most} bytes"));
    }
    Ok(printed)
}
