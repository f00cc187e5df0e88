//! The table of the standard's 251 normative statements, `tests/statements.csv`, and whether the sources agree with it.
//!
//! A row says whom the statement binds and how it is kept: entries separated by `;`, each `test:NAME`, `type:WHERE` (what
//! breaks the statement cannot be written), `server:HALF` (a server's, and the client's half of it) or `host:WHY` (the
//! transport's). A test that bears a statement's number stands in that row. What binds every packet, the client or both is
//! tested or kept by type, unless it is the transport's.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::{fs, io};

use mqtt5_codec::Rule;

pub mod show;

/// One statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The identifier as the standard prints it.
    pub id: String,
    /// `packet`, `client`, `server` or `both`.
    pub binds: String,
    /// What it says, in our words.
    pub says: String,
    /// How it is kept.
    pub kept: Vec<String>,
}

/// How a statement is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By a test.
    Test,
    /// By a type: what breaks it cannot be written.
    Type,
    /// By a server, of which a client has its half at most.
    Server,
    /// By a host: it is the transport's.
    Host,
}

impl Way {
    /// All of them; where a statement is kept in several ways, the first one counts.
    pub const ALL: [Self; 4] = [Self::Test, Self::Type, Self::Server, Self::Host];

    /// What it is called in the table.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Type => "type",
            Self::Server => "server",
            Self::Host => "host",
        }
    }

    /// What it is called.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Test => "tested",
            Self::Type => "by type",
            Self::Server => "server's",
            Self::Host => "host's",
        }
    }
}

impl Statement {
    /// What keeps it in this way: names of tests, places, halves or reasons.
    pub fn kept_by(&self, way: Way) -> impl Iterator<Item = &str> {
        let of = move |kept: &'_ String| kept.split_once(':').is_some_and(|(key, _)| key == way.key());
        self.kept.iter().filter(move |kept| of(kept)).filter_map(|kept| Some(kept.split_once(':')?.1))
    }

    /// The first way in which it is kept.
    #[must_use]
    pub fn way(&self) -> Option<Way> {
        Way::ALL.into_iter().find(|way| self.kept_by(*way).next().is_some())
    }
}

/// What the sources say about statements.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// All tests by name, with the file in which they stand.
    tests: BTreeMap<String, String>,
    /// All identifiers, with a file that names them.
    ids: BTreeMap<String, String>,
}

/// The folders whose sources are read, beside the table's own.
const FOLDERS: &[&str] = &["codec", "session", "openc2", "hosts", "tests"];

/// Reads a table from CSV: fields in quotes may hold commas, and two quotes stand for one.
#[must_use]
pub fn parse(csv: &str) -> Vec<Statement> {
    let row = |line: &str| {
        let mut fields = vec![String::new()];
        let mut quoted = false;
        let mut chars = line.chars().peekable();
        while let Some(c) = chars.next() {
            match (c, fields.last_mut()) {
                ('"', Some(field)) if quoted && chars.peek() == Some(&'"') => field.extend(chars.next()),
                ('"', _) => quoted = !quoted,
                (',', _) if !quoted => fields.push(String::new()),
                (c, Some(field)) => field.push(c),
                (_, None) => {}
            }
        }
        let [id, binds, says, kept] = <[String; 4]>::try_from(fields).ok()?;
        let kept = kept.split(';').filter(|kept| !kept.is_empty()).map(str::to_owned).collect();
        Some(Statement { id, binds, says, kept })
    };
    csv.lines().skip(1).filter_map(row).collect()
}

/// Writes a table as CSV.
#[must_use]
pub fn to_csv(table: &[Statement]) -> String {
    let quoted = |field: &str| {
        if field.contains([',', '"']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field.to_owned() }
    };
    let mut csv = String::from("id,binds,statement,kept\n");
    for Statement { id, binds, says, kept } in table {
        csv.push_str(&format!("{id},{binds},{},{}\n", quoted(says), quoted(&kept.join(";"))));
    }
    csv
}

impl Sources {
    /// Reads every Rust source below the project's folders.
    ///
    /// # Errors
    /// When one can't be read.
    pub fn read(root: &Path) -> io::Result<Self> {
        let mut sources = Self::default();
        for folder in FOLDERS {
            let folder = root.join(folder);
            if folder.is_dir() {
                sources.read_folder(&folder)?;
            }
        }
        for rule in Rule::all().filter(|rule| rule.id().starts_with("MQTT-")) {
            sources.ids.entry(rule.id().to_owned()).or_insert_with(|| "the codec's table of rules".into());
        }
        Ok(sources)
    }

    fn read_folder(&mut self, folder: &Path) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() && !path.ends_with("target") {
                self.read_folder(&path)?;
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                self.add(&fs::read_to_string(&path)?, &path.display().to_string());
            }
        }
        Ok(())
    }

    /// Takes note of one source.
    fn add(&mut self, source: &str, file: &str) {
        let mut is_test = false;
        for line in source.lines().map(str::trim) {
            let name = line.strip_prefix("fn ").or_else(|| line.strip_prefix("async fn "));
            if let Some(name) = name {
                if is_test {
                    let name = name.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
                    self.tests.insert(name.to_owned(), file.to_owned());
                }
                is_test = false;
            } else {
                is_test = is_test || line == "#[test]" || line.starts_with("#[tokio::test");
            }
        }
        for id in ids_in(source) {
            self.ids.entry(id).or_insert_with(|| file.to_owned());
        }
    }

    /// The tests whose names bear a statement's number, or a number that no statement has.
    fn bearing<'s>(&'s self, ids: &BTreeSet<&str>) -> Vec<(&'s str, Option<String>)> {
        let numbered = self.tests.keys().filter(|name| name.starts_with("mqtt_"));
        numbered.map(|name| (name.as_str(), id_in(name, ids))).collect()
    }
}

/// The statements that a text names.
fn ids_in(text: &str) -> impl Iterator<Item = String> {
    text.match_indices("MQTT-").filter_map(|(start, _)| {
        let rest = text.get(start + 5..)?;
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '-').unwrap_or(rest.len());
        let number = rest.get(..end)?.trim_end_matches(['.', '-']);
        (number.contains('-') && number.contains('.')).then(|| format!("MQTT-{number}"))
    })
}

/// The statement whose number a test bears: `mqtt_3_3_1_4_qos_three_is_malformed` bears that of MQTT-3.3.1-4.
fn id_in(name: &str, ids: &BTreeSet<&str>) -> Option<String> {
    let numbers: Vec<&str> = name
        .split('_')
        .skip(1)
        .take_while(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit()))
        .collect();
    // A sentence may begin with a number too.
    (2..=numbers.len()).rev().find_map(|len| {
        let (last, section) = numbers.get(..len)?.split_last()?;
        let id = format!("MQTT-{}-{last}", section.join("."));
        ids.contains(id.as_str()).then_some(id)
    })
}

/// Where table and sources disagree, a sentence each.
#[must_use]
pub fn disagreements(table: &[Statement], sources: &Sources) -> Vec<String> {
    let mut found = Vec::new();
    let ids: BTreeSet<&str> = table.iter().map(|statement| statement.id.as_str()).collect();
    if ids.len() != table.len() {
        found.push("a statement stands twice".into());
    }
    for (id, file) in sources.ids.iter().filter(|(id, _)| !ids.contains(id.as_str())) {
        found.push(format!("{id}, named in {file}, is no statement"));
    }
    for (statement, kept) in table.iter().flat_map(|statement| statement.kept.iter().map(move |kept| (statement, kept)))
    {
        for id in ids_in(kept).filter(|id| !ids.contains(id.as_str())) {
            found.push(format!("{id}, named in the row of {}, is no statement", statement.id));
        }
    }
    for statement in table {
        found.extend(disagreements_of(statement, sources));
    }
    for (name, id) in sources.bearing(&ids) {
        let Some(id) = id else {
            found.push(format!("the test {name} bears the number of no statement"));
            continue;
        };
        let listed = |statement: &Statement| statement.kept.iter().any(|kept| kept.strip_prefix("test:") == Some(name));
        if !table.iter().any(|statement| statement.id == id && listed(statement)) {
            found.push(format!("the test {name} is not listed for {id}; `conformance statements --fill` lists it"));
        }
    }
    found
}

fn disagreements_of(statement: &Statement, sources: &Sources) -> Vec<String> {
    let Statement { id, binds, says, kept } = statement;
    let mut found = Vec::new();
    if !["packet", "client", "server", "both"].contains(&binds.as_str()) || says.is_empty() {
        found.push(format!("{id} binds {binds:?} and says {says:?}"));
    }
    for kept in kept {
        match kept.split_once(':') {
            Some(("test", name)) if sources.tests.contains_key(name) => {}
            Some(("type" | "server" | "host", why)) if !why.is_empty() => {}
            _ => found.push(format!("{id} is kept by {kept:?}, which does not exist")),
        }
    }
    let has = |way: Way| statement.kept_by(way).next().is_some();
    if binds == "server" {
        if kept.is_empty() {
            found.push(format!("{id} is kept by nothing: a server's statement says the client's half of it"));
        }
        return found;
    }
    if !has(Way::Test) && !has(Way::Type) && !has(Way::Host) {
        found.push(format!("{id} binds {binds} and is neither tested nor kept by type"));
    }
    if has(Way::Server) {
        found.push(format!("{id} binds {binds}, not the server alone"));
    }
    found
}

/// Lists each test that bears a statement's number in that statement's row, and removes those that are gone.
pub fn fill(table: &mut [Statement], sources: &Sources) {
    let ids: Vec<String> = table.iter().map(|statement| statement.id.clone()).collect();
    let bearing = sources.bearing(&ids.iter().map(String::as_str).collect());
    for statement in table {
        let gone = |kept: &str| kept.strip_prefix("test:").is_some_and(|name| !sources.tests.contains_key(name));
        statement.kept.retain(|kept| !gone(kept));
        let names =
            bearing.iter().filter(|(_, id)| id.as_ref() == Some(&statement.id)).map(|(name, _)| format!("test:{name}"));
        let new: Vec<_> = names.filter(|name| !statement.kept.contains(name)).collect();
        if !new.is_empty() {
            statement.kept.splice(0..0, new);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "id,binds,statement,kept\n\
        MQTT-1.5.4-1,packet,\"strings, \"\"UTF-8\"\"\",test:mqtt_1_5_4_1_strings;type:Text\n\
        MQTT-4.2-1,both,ordered,\"host:in order, whole\"\n";

    fn sources(text: &str) -> Sources {
        let mut sources = Sources::default();
        sources.add(text, "a.rs");
        sources
    }

    #[test]
    fn a_table_is_read_and_written_alike() {
        let table = parse(TABLE);
        assert_eq!(table[0].says, "strings, \"UTF-8\"");
        assert_eq!(table[0].kept, ["test:mqtt_1_5_4_1_strings", "type:Text"]);
        assert_eq!(to_csv(&table), TABLE);
    }

    #[test]
    fn table_and_sources_agree_or_are_told_where_not() {
        let table = parse(TABLE);
        let good =
            "#[test]\nfn mqtt_1_5_4_1_strings() {}\n// [MQTT-1.5.4-1]. MQTT-x, MQTT-9\nfn mqtt_9_9_9_helper() {}";
        assert_eq!(disagreements(&table, &sources(good)), Vec::<String>::new());
        for (text, told) in [
            ("", "MQTT-1.5.4-1 is kept by \"test:mqtt_1_5_4_1_strings\", which does not exist"),
            // Written in two pieces, for this file is a source too.
            (concat!("// MQTT", "-1.5.4-9\n"), concat!("MQTT", "-1.5.4-9, named in a.rs, is no statement")),
            ("#[test]\nfn mqtt_9_9_9_9_x() {}", "the test mqtt_9_9_9_9_x bears the number of no statement"),
            ("#[test]\nfn mqtt_4_2_1_65_pieces() {}", "the test mqtt_4_2_1_65_pieces is not listed for MQTT-4.2-1"),
        ] {
            let found = disagreements(&table, &sources(text));
            assert!(found.iter().any(|sentence| sentence.starts_with(told)), "{found:?}");
        }
    }

    #[test]
    fn a_statement_that_nothing_keeps_is_told() {
        let told = |row: &str| disagreements(&parse(&format!("\n{row}\n")), &sources(""));
        for row in [
            // What binds every packet, the client or both has a test or a type, unless it is the transport's.
            "MQTT-1.5.4-1,packet,s,",
            "MQTT-1.5.4-1,client,s,",
            "MQTT-1.5.4-1,both,s,",
            // A server's statement says the client's half.
            "MQTT-1.5.4-1,server,s,",
            "MQTT-1.5.4-1,server,s,server:",
            // A test that is gone, ways that do not exist, and a row without words.
            "MQTT-1.5.4-1,server,s,test:gone",
            "MQTT-1.5.4-1,server,s,tset:x",
            "MQTT-1.5.4-1,server,s,server",
            "MQTT-1.5.4-1,nobody,s,type:Text",
            "MQTT-1.5.4-1,packet,,type:Text",
            concat!("MQTT-1.5.4-1,server,s,server:as MQTT", "-1.5.4-9 says"),
        ] {
            assert_eq!(told(row).len(), 1, "{row}: {:?}", told(row));
        }
        assert_eq!(told("MQTT-1.5.4-1,packet,s,server:no").len(), 2);
        for row in ["packet,s,type:Text", "both,s,host:why", "server,s,server:none", "server,s,type:Text"] {
            assert_eq!(told(&format!("MQTT-1.5.4-1,{row}")), Vec::<String>::new());
        }
    }

    #[test]
    fn filling_lists_new_tests_and_forgets_old_ones() {
        let mut table = parse("\nMQTT-1.5.4-1,packet,s,test:gone;type:Text\nMQTT-4.2-1,both,o,host:x\n");
        fill(&mut table, &sources("#[test]\nfn mqtt_4_2_1_pieces() {}"));
        assert_eq!(table[0].kept, ["type:Text"]);
        assert_eq!(table[1].kept, ["test:mqtt_4_2_1_pieces", "host:x"]);
    }
}
