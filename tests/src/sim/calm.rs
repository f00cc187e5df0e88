//! Bytes that flow as they should, and the end of a schedule: without faults all falls quiet, and all is done.

use super::world::World;
use crate::broker::Faults;

impl World<'_> {
    /// Bytes go back and forth, up to so many times. Returns whether any did.
    pub(super) fn pump(&mut self, number: usize, rounds: usize) -> bool {
        let mut any = false;
        for _ in 0..rounds {
            let now = self.now;
            let Self { broker, .. } = self;
            let Some(device) = self.devices.get_mut(number) else { return any };
            let mut moved = device.write(usize::MAX, now) + device.arrive(usize::MAX, broker, now);
            // What the broker does is booked before the client tells of it.
            self.keep_book();
            let Self { random, broker, book, .. } = self;
            let Some(device) = self.devices.get_mut(number) else { return any };
            moved += device.read(usize::MAX, broker, book, random, now);
            any |= moved > 0;
            if moved == 0 {
                break;
            }
        }
        any
    }

    /// No more faults: everything that is under way arrives, and nothing is left.
    pub(super) fn calm(&mut self) {
        self.broker.faults = Faults::default();
        self.tell(|_| "the world calms down".to_owned());
        for device in &mut self.devices {
            device.bury(true, &mut self.broker, self.now);
        }
        for _ in 0..400 {
            let mut moved = false;
            for number in 0..self.devices.len() {
                moved |= self.settle(number);
            }
            if !self.book.problems.is_empty() {
                return;
            }
            match self.broker.next_arrival() {
                Some(due) if !moved => self.pass_until(due),
                None if !moved => return self.judge(),
                _ => self.now += 1,
            }
        }
        self.book.problem("the world does not fall quiet".to_owned());
    }

    /// A device connects, and everything goes back and forth.
    fn settle(&mut self, number: usize) -> bool {
        let now = self.now;
        let mut moved = false;
        let Self { random, broker, book, .. } = self;
        let Some(device) = self.devices.get_mut(number) else { return false };
        if device.link.is_none() {
            device.connect(broker, book, now);
            moved = true;
        }
        if let Some(link) = device.link {
            moved |= broker.held(link) > 0;
            broker.release(link, broker.held(link));
        }
        while !device.app.unacknowledged.is_empty() {
            device.acknowledge(book, random);
            moved = true;
        }
        if device.app.auth_due {
            device.authenticate(book);
            moved = true;
        }
        moved |= self.pump(number, 1000);
        self.after(number);
        moved
    }

    /// All is quiet: is all done?
    fn judge(&mut self) {
        let Self { devices, broker, book, now, .. } = self;
        for device in devices {
            let name = device.name.clone();
            let figures = device.client.figures(device.at(*now));
            let Some(link) = device.link.filter(|_| device.client.is_connected()) else {
                book.problem(format!("{name} does not get connected"));
                continue;
            };
            broker.settle(link);
            if figures.in_flight != 0 || figures.unacknowledged != 0 || figures.lost != 0 {
                book.problem(format!("{name} is not done: {figures:?}"));
            }
            if device.app.authenticating {
                book.problem(format!("{name} never learned whether it is authenticated"));
            }
            let there =
                |filter: &str| broker.session(&name).is_some_and(|session| session.subscriptions.contains_key(filter));
            for (filter, subscribed) in &device.app.subscribed {
                if there(filter) != *subscribed && !book.untold(device.number) {
                    book.problem(format!("{name} is wrong about its subscription to {filter}: {subscribed}"));
                }
            }
        }
        for (name, session) in self.broker.sessions() {
            let device = self.devices.iter().find(|device| device.name == name).map_or(0, |device| device.number);
            // The identifiers that a device forgot it can't release: the server holds them for good [MQTT-4.3.3-10].
            let excused = self.book.swallows(device) && session.sending.is_empty();
            if !session.is_quiet() && !excused {
                self.book.problem(format!("the broker is not done with {name}: {session:?}"));
            }
        }
        self.keep_book();
        self.book.finish();
        // What comes of the ends of connections, wills for instance, is no more part of the schedule.
        let Self { devices, broker, book, random, now, .. } = self;
        for device in devices {
            device.close(broker, book, random, *now);
            let held = device.client.figures(device.at(*now)).bytes_held;
            if held > device.idle_bytes {
                book.problem(format!("{} holds {held} bytes, and {} when new", device.name, device.idle_bytes));
            }
        }
    }
}
