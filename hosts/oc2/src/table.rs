//! Tables that fit: columns side by side, their cells broken into lines where the width is short of that; and where it is
//! far short, a paragraph for each row.

use crate::printer::plain;
use crate::terminal::{longest_word, width, wrap};

/// Between two columns.
const GAP: usize = 2;
/// No column is made narrower than this, unless all it holds is.
const LEAST: usize = 10;

/// A column's head, and how its cells stand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    pub(crate) head: &'static str,
    right: bool,
}

impl Column {
    pub(crate) const fn left(head: &'static str) -> Self {
        Self { head, right: false }
    }

    pub(crate) const fn right(head: &'static str) -> Self {
        Self { head, right: true }
    }

    fn pad(self, cell: &str, to: usize) -> String {
        let space = " ".repeat(to.saturating_sub(width(cell)));
        if self.right { space + cell } else { cell.to_owned() + &space }
    }
}

/// A table's lines, each with the number of the row that it belongs to; the head's have none.
pub(crate) fn lines<const N: usize>(
    columns: &[Column; N],
    rows: &[[String; N]],
    fit: Option<usize>,
) -> Vec<(Option<usize>, String)> {
    // What a cell holds others have sent; it is as wide as it is printed.
    let rows: Vec<[String; N]> = rows.iter().map(|row| row.each_ref().map(|cell| plain(cell).into_owned())).collect();
    let rows = rows.as_slice();
    // A column that nobody has anything to say in takes no room.
    let said = |at: usize| rows.is_empty() || rows.iter().any(|row| row.get(at).is_some_and(|cell| !cell.is_empty()));
    let most = |measure: fn(&str) -> usize| {
        core::array::from_fn(|at| {
            if !said(at) {
                return 0;
            }
            let head = columns.get(at).map_or(0, |column| measure(column.head));
            rows.iter().filter_map(|row| row.get(at)).map(|cell| measure(cell)).chain([head]).max().unwrap_or(0)
        })
    };
    let Some(widths) = fitted(most(width), most(longest_word), fit) else { return paragraphs(columns, rows, fit) };
    let head = columns.map(|column| column.head.to_owned());
    let mut lines = Vec::new();
    for (row, cells) in [(None, &head)].into_iter().chain(rows.iter().enumerate().map(|(at, row)| (Some(at), row))) {
        lines.extend(side_by_side(columns, cells, widths).into_iter().map(|line| (row, line)));
    }
    lines
}

/// The columns' widths: as wide as they like, or the widest ones narrowed until all fit, first those that need no broken
/// word for it; none if they can't.
fn fitted<const N: usize>(natural: [usize; N], words: [usize; N], fit: Option<usize>) -> Option<[usize; N]> {
    let Some(fit) = fit else { return Some(natural) };
    let columns = natural.iter().filter(|width| **width > 0).count();
    let room = fit.checked_sub(GAP * columns.saturating_sub(1))?;
    let mut widths = natural;
    while widths.iter().sum::<usize>() > room {
        let spare = |floors: [usize; N]| {
            let above = widths
                .iter()
                .enumerate()
                .zip(floors.map(|floor| floor.max(LEAST)))
                .filter(|((_, width), floor)| *width > floor);
            above.max_by_key(|((_, width), _)| **width).map(|((at, _), _)| at)
        };
        let at = spare(words).or_else(|| spare([0; N]))?;
        *widths.get_mut(at)? -= 1;
    }
    Some(widths)
}

/// One row: as many lines as its highest cell has.
fn side_by_side<const N: usize>(columns: &[Column; N], cells: &[String; N], widths: [usize; N]) -> Vec<String> {
    let cells: Vec<Vec<_>> = cells
        .iter()
        .zip(widths)
        .map(|(cell, width)| if width == 0 { Vec::new() } else { wrap(cell, Some(width)) })
        .collect();
    let height = cells.iter().map(Vec::len).max().unwrap_or(0);
    let line = |at: usize| {
        let parts = cells.iter().zip(columns).zip(widths).filter(|(_, width)| *width > 0);
        let parts = parts.map(|((cell, column), width)| column.pad(cell.get(at).map_or("", AsRef::as_ref), width));
        parts.collect::<Vec<_>>().join(&" ".repeat(GAP)).trim_end().to_owned()
    };
    (0..height).map(line).collect()
}

/// One row after the other, a line for each cell that is not empty, with its column's head before it.
fn paragraphs<const N: usize>(
    columns: &[Column; N],
    rows: &[[String; N]],
    fit: Option<usize>,
) -> Vec<(Option<usize>, String)> {
    let names = columns.iter().map(|column| width(column.head)).max().unwrap_or(0);
    let room = fit.map(|fit| fit.saturating_sub(names + GAP).max(1));
    let mut lines = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        if at > 0 {
            lines.push((None, String::new()));
        }
        for (column, cell) in columns.iter().zip(row).filter(|(_, cell)| !cell.is_empty()) {
            for (number, part) in wrap(cell, room).iter().enumerate() {
                let name = if number == 0 { column.head } else { "" };
                lines.push((Some(at), format!("{name:<names$}{:GAP$}{part}", "")));
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 3] = [Column::left("topic"), Column::right("after"), Column::left("response")];

    fn rows() -> [[String; 3]; 2] {
        [["oc2/cmd/all", "12.3 ms", "profiles slpf, ids"], ["oc2/cmd/ap/slpf", "–", ""]]
            .map(|row| row.map(str::to_owned))
    }

    fn fit(columns: Option<usize>) -> Vec<String> {
        let lines = lines(&COLUMNS, &rows(), columns).into_iter().map(|(_, line)| line).collect::<Vec<_>>();
        let widest = lines.iter().map(|line| width(line)).max().unwrap();
        assert!(columns.is_none_or(|columns| widest <= columns), "{widest} columns in {columns:?}");
        lines
    }

    #[test]
    fn a_table_is_as_wide_as_its_cells_where_nothing_limits_it() {
        let wide = [
            "topic              after  response",
            "oc2/cmd/all      12.3 ms  profiles slpf, ids",
            "oc2/cmd/ap/slpf        –",
        ];
        assert_eq!(fit(None), wide);
        assert_eq!(fit(Some(44)), wide);
    }

    #[test]
    fn the_widest_cells_are_broken_until_the_table_fits() {
        assert_eq!(
            fit(Some(37)),
            [
                "topic            after  response",
                "oc2/cmd/all    12.3 ms  profiles",
                "                        slpf, ids",
                "oc2/cmd/ap/          –",
                "slpf",
            ]
        );
    }

    #[test]
    fn a_table_that_cannot_fit_becomes_paragraphs() {
        assert_eq!(
            fit(Some(24)),
            [
                "topic     oc2/cmd/all",
                "after     12.3 ms",
                "response  profiles slpf,",
                "          ids",
                "",
                "topic     oc2/cmd/ap/",
                "          slpf",
                "after     –",
            ]
        );
    }

    #[test]
    fn a_column_that_is_empty_takes_no_room() {
        let rows = [["a", "", "c"], ["d", "", "f"]].map(|row| row.map(str::to_owned));
        let lines: Vec<_> = lines(&COLUMNS, &rows, Some(80)).into_iter().map(|(_, line)| line).collect();
        assert_eq!(lines, ["topic  response", "a      c", "d      f"]);
    }

    #[test]
    fn each_line_knows_its_row() {
        let of = |columns| lines(&COLUMNS, &rows(), columns).into_iter().map(|(row, _)| row).collect::<Vec<_>>();
        assert_eq!(of(None), [None, Some(0), Some(1)]);
        assert_eq!(of(Some(37)), [None, Some(0), Some(0), Some(1), Some(1)]);
    }
}
