//! Tables of Markdown, as the scripts of this folder print them: the only form in which figures are kept.

/// A table. The first column says what a row is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// What the other columns are called.
    pub columns: Vec<String>,
    /// The rows.
    pub rows: Vec<Row>,
}

/// A row of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The first cell, without emphasis.
    pub name: String,
    /// The other cells, as many as there are other columns.
    pub cells: Vec<String>,
}

impl Table {
    /// The first table in a text whose first column's name begins so.
    #[must_use]
    pub fn find(text: &str, first: &str) -> Option<Self> {
        let mut lines = text.lines().map(str::trim);
        let head = lines.by_ref().filter_map(Row::read).find(|row| row.name.starts_with(first))?;
        let columns = head.cells;
        let rows = lines.skip(1).map_while(Row::read).filter(|row| row.cells.len() == columns.len()).collect();
        Some(Self { columns, rows })
    }

    /// The row of this name.
    #[must_use]
    pub fn row(&self, name: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.name == name)
    }
}

impl Row {
    fn read(line: &str) -> Option<Self> {
        let inner = line.strip_prefix('|')?.strip_suffix('|')?;
        let mut cells = inner.split('|').map(|cell| cell.trim().trim_matches('*').to_owned());
        Some(Self { name: cells.next()?, cells: cells.collect() })
    }
}

/// A cell as a number, if it is one.
#[must_use]
pub fn number(cell: &str) -> Option<f64> {
    cell.replace(',', "").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "a line\n| decode | 1 | 2 |\n|---|---|---|\n| a peer | 10 | - |\n| **ours** | 1,234 | 5.5 |\n\n| encode | 1 |\n|---|---|\n";

    #[test]
    fn a_table_is_found_by_the_name_of_its_first_column() {
        let table = Table::find(TEXT, "decode").expect("it is there");
        assert_eq!(table.columns, ["1", "2"]);
        assert_eq!(table.rows.len(), 2);
        assert_eq!(
            table.row("ours").map(|row| row.cells.as_slice()),
            Some(["1,234".to_owned(), "5.5".to_owned()].as_slice())
        );
        assert_eq!(Table::find(TEXT, "encode").map(|table| table.rows.len()), Some(0));
        assert_eq!(Table::find(TEXT, "flash"), None);
    }

    #[test]
    fn a_dash_is_no_number() {
        assert_eq!(number("1,234"), Some(1234.0));
        assert_eq!(number("5.5"), Some(5.5));
        assert_eq!(number("-"), None);
    }
}
