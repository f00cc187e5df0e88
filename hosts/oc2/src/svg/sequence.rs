//! The sequence diagram: a line for each client and the broker, an arrow for each packet.

use std::sync::Arc;

use mqtt5_codec::{PacketType, Sender};

use super::draw::{COMMAND, Canvas, FAINT, INK, LINE, PAPER, RESPONSE, SERVICE, SHADE, Text};
use super::{Record, Step};
use crate::terminal::cut;

/// Where the first line stands; numbers and times are to the left of it.
const FIRST: f64 = 165.0;
/// From line to line.
const LANE: f64 = 250.0;
/// From arrow to arrow.
const ROW: f64 = 26.0;
/// A participant's box.
const BOX: (f64, f64) = (130.0, 30.0);

/// How wide a diagram of so many clients is.
pub(super) fn width(clients: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a handful")]
    let lanes = clients.max(1) as f64;
    FIRST + lanes * LANE + BOX.0 / 2.0 + 20.0
}

/// Draws it, and gives where it ends.
pub(super) fn draw(canvas: &mut Canvas, top: f64, left: &[Arc<str>], right: &[Arc<str>], steps: &[Step]) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a handful")]
    let lane = |at: usize| FIRST + at as f64 * LANE;
    let broker = lane(left.len());
    let place = |who: &Arc<str>| {
        let at = left.iter().position(|one| one == who);
        let behind = || right.iter().position(|one| one == who).map(|at| left.len() + 1 + at);
        lane(at.or_else(behind).unwrap_or(0))
    };
    let height = steps.iter().map(|step| if matches!(step, Step::Heading(_)) { 1.6 } else { 1.0 }).sum::<f64>() * ROW;
    let (first, last) = (top + BOX.1 + 14.0, top + BOX.1 + 14.0 + height + 16.0);
    let name_style = Text::new(14.0, INK).bold().middle();
    let lines = left.iter().chain(right).map(|who| (place(who), who.to_string()));
    for (x, name) in lines.chain([(broker, "broker".to_owned())]) {
        canvas.line((x, top + BOX.1), (x, last), LINE, 1.5, "");
        for y in [top, last] {
            let fill = if x == broker { SHADE } else { PAPER };
            canvas.rectangle((x - BOX.0 / 2.0, y), BOX, fill, INK, 4.0);
            canvas.text(x, y + 20.0, name_style, &cut(&name, Some(name_style.fit(BOX.0 - 10.0))));
        }
    }
    let mut y = first;
    let mut number = 0;
    for step in steps {
        match step {
            Step::Heading(says) => {
                y += ROW * 1.6;
                let x = lane(left.len() + right.len()) + BOX.0 / 2.0;
                canvas.rectangle((20.0, y - 19.0), (x - 20.0, 24.0), SHADE, SHADE, 3.0);
                canvas.text(30.0, y - 3.0, Text::new(13.0, INK).bold(), says);
            }
            Step::Packet(record) => {
                y += ROW;
                number += 1;
                packet(canvas, y, number, place(&record.who), broker, record);
            }
        }
    }
    last + BOX.1
}

fn packet(canvas: &mut Canvas, y: f64, number: usize, client: f64, broker: f64, record: &Record) {
    let ms = format!("{:.1} ms", record.after.as_secs_f64() * 1e3);
    canvas.text(44.0, y, Text::new(11.0, INK).end(), &number.to_string());
    canvas.text(108.0, y, Text::new(10.0, FAINT).mono().end(), &ms);
    let publish = record.kind == PacketType::Publish;
    let (colour, width) = match (publish, record.response) {
        (true, false) => (COMMAND, 1.8),
        (true, true) => (RESPONSE, 1.8),
        (false, _) => (SERVICE, 1.0),
    };
    let (from, to) = if record.from == Sender::Client { (client, broker) } else { (broker, client) };
    canvas.arrow(from, to, y, colour, width);
    // The name stands over the lane next to the client, wherever the broker is.
    let (near, far) = if client < broker { (client, client + LANE) } else { (client - LANE, client) };
    let style = Text::new(11.0, colour).middle();
    let style = if publish { style.bold() } else { style };
    let room = style.fit(LANE - 14.0);
    let says = if record.says.is_empty() {
        record.kind.name().to_owned()
    } else {
        format!("{}  {}", record.kind.name(), record.says)
    };
    let label = cut(&says, Some(room));
    // What an arrow crosses on its way stays behind the text.
    let middle = f64::midpoint(near, far);
    canvas.text(middle, y - 5.0, style, &label);
}
