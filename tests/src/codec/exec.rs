//! Another codec, judged by the vectors: a command that reads the lines that `conformance codec` reads, and answers as it does.

use std::io::{self, BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::thread;

use mqtt5_codec::{Decoder, Sender};

use super::Options;
use crate::judge::talk::kind;
use crate::report::form::Form;
use crate::report::{Bytes, Class, Finding, Report};
use crate::vectors::{self, Vector, Verdict};

/// How packets are judged, or whoever judges them.
#[derive(Clone, Debug, clap::Args)]
pub struct CommandOptions {
    #[command(flatten)]
    judge: Options,
    /// Judge this command for the shell by the test vectors: it gets the lines that this one reads, and has to answer as this one
    /// does. After `reject` it may leave out the statement, or the reason code too.
    #[arg(long, value_name = "COMMAND")]
    exec: Option<String>,
    /// What the command is called in the report.
    #[arg(long, value_name = "TEXT", requires = "exec")]
    name: Option<String>,
    #[command(flatten)]
    form: Form,
}

/// Judges packets, or a codec. Returns whether nothing was broken.
///
/// # Errors
/// When reading or writing fails, or the command does not answer every line.
pub fn run(options: &CommandOptions, input: impl io::Read, output: impl Write) -> io::Result<bool> {
    if options.form.list {
        let ids: Vec<_> = vectors::all().iter().map(id).collect();
        return options.form.tell(ids.iter().map(String::as_str), output).map(|()| true);
    }
    let Some(command) = &options.exec else {
        let Form { json, junit, html, baseline, only, skip, .. } = &options.form;
        let reports = *json || junit.is_some() || html.is_some() || baseline.is_some();
        if reports || !only.is_empty() || !skip.is_empty() {
            return Err(io::Error::other("a report is given of --exec COMMAND"));
        }
        return super::run(&options.judge, input, output).map(|()| true);
    };
    let vectors: Vec<_> = vectors::all().into_iter().filter(|vector| options.form.wants(&id(vector))).collect();
    let mut report =
        Report { judge: "codec", target: options.name.clone().unwrap_or_else(|| command.clone()), ..Report::default() };
    for (vector, answer) in vectors.iter().zip(answers(command, &vectors)?) {
        look(&mut report, vector, &answer);
    }
    options.form.give(report, output)
}

/// What a vector is about: the statement that it breaks, or that a packet of its type is valid or begun.
fn id(vector: &Vector) -> String {
    match &vector.verdict {
        Verdict::Valid(_) => format!("{} that is valid", kind(&vector.bytes)),
        Verdict::Incomplete => format!("{} that is begun", kind(&vector.bytes)),
        Verdict::Reject(_, rule) => rule.clone(),
    }
}

/// The answers of the command to all vectors, one each.
fn answers(command: &str, vectors: &[Vector]) -> io::Result<Vec<String>> {
    let mut child = Command::new("sh").args(["-c", command]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let (input, output) = (child.stdin.take(), child.stdout.take());
    let lines: String = vectors.iter().map(|vector| vector.to_line().0 + "\n").collect();
    let asked = thread::spawn(move || input.map_or(Ok(()), |mut input| input.write_all(lines.as_bytes())));
    let answers: Vec<_> = output.map(BufReader::new).into_iter().flat_map(BufRead::lines).collect::<io::Result<_>>()?;
    let status = child.wait()?;
    let asked = asked.join().unwrap_or(Ok(()));
    if answers.len() != vectors.len() {
        let why = asked.err().map_or(String::new(), |error| format!(", {error}"));
        let (given, wanted) = (answers.len(), vectors.len());
        return Err(io::Error::other(format!("{given} answers to {wanted} packets, {status}{why}: {command}")));
    }
    Ok(answers)
}

fn look(report: &mut Report, vector: &Vector, answer: &str) {
    let (_, wanted) = vector.to_line();
    let (mut said, mut due) = (answer.split_whitespace(), wanted.split_whitespace());
    let same = said.next() == due.next();
    let rest: Vec<_> = said.collect();
    // What is said of the same verdict: canonical bytes have to be these, reasons and statements should.
    let more = rest.iter().zip(due).all(|(said, due)| said.eq_ignore_ascii_case(due));
    let canonical = matches!(vector.verdict, Verdict::Valid(_));
    let class = if same && !canonical { Class::Should } else { Class::Must };
    report.record(&id(vector), class, same && more, || {
        let decoder = Decoder::new(vector.from);
        Finding {
            trial: vector.why.clone(),
            expected: wanted.clone(),
            seen: answer.to_owned(),
            bytes: Some(Bytes {
                from: if vector.from == Sender::Client { "client" } else { "server" },
                bytes: vector.bytes.clone(),
                at: decoder.decode(&vector.bytes).err().map(|error| error.at),
            }),
            packets: Vec::new(),
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector() -> Vector {
        let verdict = Verdict::Reject(0x81, "MQTT-3.3.1-4".to_owned());
        Vector { from: Sender::Server, bytes: vec![0x36], verdict, why: "QoS 3".to_owned() }
    }

    fn verdict(vector: &Vector, answer: &str) -> &'static str {
        let mut report = Report::default();
        look(&mut report, vector, answer);
        report.verdicts[&id(vector)].word()
    }

    #[test]
    fn a_packet_taken_for_another_verdict_is_a_failure_and_another_reason_is_not() {
        for (answer, word) in [
            ("reject 0x81 MQTT-3.3.1-4", "pass"),
            ("reject 0x81", "pass"),
            ("reject", "pass"),
            ("reject 0x82 MQTT-3.3.1-4", "should"),
            ("reject 0x81 MQTT-3.3.1-2", "should"),
            ("valid 36", "fail"),
            ("incomplete", "fail"),
            ("", "fail"),
        ] {
            assert_eq!(verdict(&vector(), answer), word, "{answer}");
        }
        let valid = Vector { verdict: Verdict::Valid(vec![0xD0, 0]), bytes: vec![0xD0, 0], ..vector() };
        assert_eq!(verdict(&valid, "valid D000"), "pass");
        assert_eq!(verdict(&valid, "valid d0"), "fail", "it is written otherwise");
        assert_eq!(id(&valid), "PINGRESP that is valid");
    }

    #[test]
    fn a_command_that_does_not_answer_every_line_is_told() {
        let error = answers("head -n 1", &[vector(), vector()]).unwrap_err().to_string();
        assert!(error.starts_with("1 answers to 2 packets"), "{error}");
        assert_eq!(answers("cat", &[vector(), vector()]).unwrap(), ["s2c 36", "s2c 36"]);
    }
}
