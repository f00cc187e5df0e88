//! The table of statements agrees with the sources.

use std::path::Path;

use conformance::statements::{self, Sources};

#[test]
fn the_table_of_statements_agrees_with_the_sources() {
    let table = statements::parse(include_str!("../statements.csv"));
    assert_eq!(table.len(), 251);
    let sources = Sources::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).unwrap();
    let found = statements::disagreements(&table, &sources);
    assert!(found.is_empty(), "{}", found.join("\n"));
    assert_eq!(statements::to_csv(&table), include_str!("../statements.csv"), "not as it is written");
}
