//! Subscriptions: what was asked for, what the server granted, and which messages are for whom.

use core::task::Waker;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use mqtt5_codec::{
    Filter, PacketId, Properties, Property, ReasonCode, Rule, Subscription, SubscriptionId, SubscriptionOptions,
};
use mqtt5_session::{Incoming, Refused};

use crate::events::HostEvent;
use crate::publish::RequestError;
use crate::received::Parcel;
use crate::slot::Slot;
use crate::state::{Pending, State};

/// The greatest subscription identifier (section 3.8.2.1.2).
const LAST_ID: u32 = 268_435_455;

/// What the server answered, a reason code for each filter.
pub(crate) type Results = Result<Box<[ReasonCode]>, RequestError>;

/// How far a subscription is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The server does not know of it, or may have forgotten.
    Wanted,
    /// SUBSCRIBE is on its way.
    Asked,
    /// The server has granted it.
    Held,
    /// Nobody wants it any more, and UNSUBSCRIBE is due.
    Unwanted,
    /// UNSUBSCRIBE is on its way.
    Leaving,
}

pub(crate) struct Route {
    filters: Box<[(Box<str>, SubscriptionOptions)]>,
    stage: Stage,
    /// The server may know of it.
    known: bool,
    /// Messages that wait to be taken.
    queue: VecDeque<Parcel>,
    /// Who takes them.
    reader: Option<Waker>,
    /// Who waits for the answer to SUBSCRIBE, or to UNSUBSCRIBE.
    answer: Option<Arc<Slot<Results>>>,
    /// Nothing comes any more.
    over: bool,
}

impl Route {
    fn is_live(&self) -> bool {
        !matches!(self.stage, Stage::Unwanted | Stage::Leaving)
    }

    fn end(&mut self, wake: &mut Vec<Waker>) {
        self.over = true;
        wake.extend(self.reader.take());
    }

    fn settle(&mut self, results: Results, wake: &mut Vec<Waker>) {
        wake.extend(self.answer.take().and_then(|slot| slot.put(results)));
    }
}

/// All subscriptions of a client, by subscription identifier.
pub(crate) struct Routes {
    map: BTreeMap<u32, Route>,
    next: u32,
    /// Those about which the server is to be asked, in this order.
    due: VecDeque<u32>,
    /// Whether this server tells by identifiers which subscription a message is for.
    identifiers: bool,
}

impl Routes {
    /// None yet. Where the server may know subscriptions of an earlier process, identifiers begin anywhere, so that theirs
    /// are not taken for ours.
    pub(crate) fn new(clean_start: bool) -> Self {
        let next = if clean_start { 1 } else { getrandom::u32().unwrap_or(1) % LAST_ID + 1 };
        Self { map: BTreeMap::new(), next, due: VecDeque::new(), identifiers: true }
    }

    /// Enters a subscription, which is asked for as soon as may be. Gives its identifier.
    pub(crate) fn enter(
        &mut self,
        filters: Box<[(Box<str>, SubscriptionOptions)]>,
        answer: Arc<Slot<Results>>,
    ) -> Result<u32, RequestError> {
        for (filter, _) in &filters {
            let same = |(other, _): &(Box<str>, SubscriptionOptions)| other == filter;
            if self.map.values().any(|route| route.is_live() && route.filters.iter().any(same)) {
                return Err(RequestError::Subscribed(filter.clone()));
            }
        }
        let mut id = self.next;
        while self.map.contains_key(&id) {
            id = id % LAST_ID + 1;
        }
        self.next = id % LAST_ID + 1;
        let (stage, queue, known, over) = (Stage::Wanted, VecDeque::new(), false, false);
        self.map.insert(id, Route { filters, stage, known, queue, reader: None, answer: Some(answer), over });
        self.due.push_back(id);
        Ok(id)
    }

    /// Those whom a message is for: by its subscription identifiers, where it has any; otherwise by its topic.
    pub(crate) fn find(&self, incoming: &Incoming<'_>) -> Vec<u32> {
        let mut identified = false;
        let mut found = Vec::new();
        for id in incoming.properties.subscription_identifiers() {
            identified = true;
            if self.map.contains_key(&id.get()) && !found.contains(&id.get()) {
                found.push(id.get());
            }
        }
        if !identified {
            let matches = |(filter, _): &(Box<str>, SubscriptionOptions)| {
                Filter::new(filter).is_ok_and(|filter| filter.matches(incoming.topic))
            };
            found.extend(self.map.iter().filter(|(_, route)| route.filters.iter().any(matches)).map(|(id, _)| *id));
        }
        found
    }

    /// Puts a message into a queue; gives it back if nobody reads there any more.
    pub(crate) fn push(&mut self, id: u32, parcel: Parcel, wake: &mut Vec<Waker>) -> Option<Parcel> {
        match self.map.get_mut(&id) {
            Some(route) if route.is_live() => {
                route.queue.push_back(parcel);
                wake.extend(route.reader.take());
                None
            }
            _ => Some(parcel),
        }
    }

    /// The next message of a subscription; `Err` when none will come, `Ok(None)` when there is none now.
    pub(crate) fn take(&mut self, id: u32, reader: &Waker) -> Result<Option<Parcel>, ()> {
        let route = self.map.get_mut(&id).ok_or(())?;
        match route.queue.pop_front() {
            Some(parcel) => Ok(Some(parcel)),
            None if route.over => Err(()),
            None => {
                route.reader = Some(reader.clone());
                Ok(None)
            }
        }
    }

    /// Keeps of what waits what is said to be kept. How many bytes of that are to be acknowledged.
    pub(crate) fn retain(&mut self, keep: impl Fn(&Parcel) -> bool) -> usize {
        let mut heavy = 0;
        for route in self.map.values_mut() {
            route.queue.retain(&keep);
            heavy += route.queue.iter().map(Parcel::heavy).sum::<usize>();
        }
        heavy
    }

    /// A connection was accepted: what the server may not know is asked for again.
    pub(crate) fn reconnected(&mut self, resumed: bool, identifiers: bool) {
        self.identifiers = identifiers;
        self.due.clear();
        self.map.retain(|_, route| resumed && route.known || route.is_live());
        for (id, route) in &mut self.map {
            route.known &= resumed;
            route.stage = match route.stage {
                stage if route.over && route.is_live() || stage == Stage::Held && resumed => continue,
                Stage::Held | Stage::Wanted | Stage::Asked => Stage::Wanted,
                Stage::Unwanted | Stage::Leaving => Stage::Unwanted,
            };
            self.due.push_back(*id);
        }
    }

    /// The client has ended.
    pub(crate) fn finish(&mut self, wake: &mut Vec<Waker>) {
        for route in self.map.values_mut() {
            route.settle(Err(RequestError::Closed(None)), wake);
            route.end(wake);
        }
    }

    /// The filters of a subscription that no other one has.
    fn own_filters(&self, id: u32) -> Vec<Filter<'_>> {
        let Some(route) = self.map.get(&id) else { return Vec::new() };
        let wanted = |filter: &str| {
            self.map.values().any(|other| other.is_live() && other.filters.iter().any(|(there, _)| **there == *filter))
        };
        route.filters.iter().filter(|(filter, _)| !wanted(filter)).flat_map(|(filter, _)| Filter::new(filter)).collect()
    }
}

impl State {
    /// Asks the server about what is due, as far as there is room.
    pub(crate) fn subscribe_what_waits(&mut self) {
        while let Some(&id) = self.routes.due.front() {
            let asked = match self.routes.map.get(&id).map(|route| route.stage) {
                Some(Stage::Wanted) => self.ask_for(id),
                Some(Stage::Unwanted) => self.ask_against(id),
                _ => Ok(()),
            };
            match asked {
                Ok(()) => {}
                Err(Refused::Rule(rule)) => self.cannot_ask(id, rule),
                Err(_) => return,
            }
            self.routes.due.pop_front();
        }
    }

    fn ask_for(&mut self, id: u32) -> Result<(), Refused> {
        let Some(route) = self.routes.map.get_mut(&id) else { return Ok(()) };
        let filters: Result<Vec<Subscription<'_>>, Rule> = route
            .filters
            .iter()
            .map(|(filter, options)| Ok(Subscription { filter: Filter::new(filter)?, options: *options }))
            .collect();
        let identifier = SubscriptionId::new(id).filter(|_| self.routes.identifiers);
        let properties: Vec<Property<'_>> = identifier.map(Property::SubscriptionIdentifier).into_iter().collect();
        let packet = self.session.subscribe(&filters?, Properties::from(properties.as_slice()))?;
        route.stage = Stage::Asked;
        route.known = true;
        self.pending.insert(packet, Pending::Subscribe(id));
        Ok(())
    }

    fn ask_against(&mut self, id: u32) -> Result<(), Refused> {
        let filters = self.routes.own_filters(id);
        let known = self.routes.map.get(&id).is_some_and(|route| route.known);
        if !known || filters.is_empty() {
            if let Some(mut route) = self.routes.map.remove(&id) {
                route.settle(Ok(Box::default()), &mut self.wake);
            }
            return Ok(());
        }
        let packet = self.session.unsubscribe(&filters, Properties::EMPTY)?;
        self.pending.insert(packet, Pending::Unsubscribe(id));
        if let Some(route) = self.routes.map.get_mut(&id) {
            route.stage = Stage::Leaving;
        }
        Ok(())
    }

    /// What the server is to be asked may not be sent to it.
    fn cannot_ask(&mut self, id: u32, rule: Rule) {
        let Some(route) = self.routes.map.get_mut(&id) else { return };
        route.settle(Err(RequestError::Refused(Refused::Rule(rule))), &mut self.wake);
        route.end(&mut self.wake);
    }

    /// SUBACK.
    pub(crate) fn subscribed(&mut self, packet: PacketId, reasons: Box<[ReasonCode]>) {
        let Some(Pending::Subscribe(id)) = self.pending.remove(&packet) else { return };
        let Some(route) = self.routes.map.get_mut(&id) else { return };
        if !route.is_live() {
            return;
        }
        route.stage = Stage::Held;
        let denied = reasons.iter().all(|reason| reason.is_error());
        if denied {
            route.end(&mut self.wake);
        }
        if route.answer.is_some() {
            let results = if denied { Err(RequestError::Denied(reasons)) } else { Ok(reasons) };
            route.settle(results, &mut self.wake);
        } else if reasons.iter().any(|reason| reason.is_error()) {
            // It was granted once, and is not any more.
            let filters = route.filters.iter().map(|(filter, _)| filter.clone()).zip(reasons).collect();
            self.report(HostEvent::SubscriptionDenied(filters));
        }
    }

    /// UNSUBACK.
    pub(crate) fn unsubscribed(&mut self, packet: PacketId, reasons: Box<[ReasonCode]>) {
        let Some(Pending::Unsubscribe(id)) = self.pending.remove(&packet) else { return };
        if let Some(mut route) = self.routes.map.remove(&id) {
            route.settle(Ok(reasons), &mut self.wake);
        }
    }

    /// Nobody wants this subscription any more. What waits there is acknowledged: it has arrived.
    pub(crate) fn leave_route(&mut self, id: u32, answer: Option<Arc<Slot<Results>>>) {
        let Some(route) = self.routes.map.get_mut(&id) else {
            self.wake.extend(answer.and_then(|slot| slot.put(Ok(Box::default()))));
            return;
        };
        let queue = core::mem::take(&mut route.queue);
        route.stage = Stage::Unwanted;
        route.answer = answer;
        route.reader = None;
        for parcel in queue {
            self.discard(&parcel);
        }
        self.routes.due.retain(|due| *due != id);
        self.routes.due.push_back(id);
        if self.end.is_some() {
            self.routes.finish(&mut self.wake);
        } else if self.session.is_connected() {
            self.subscribe_what_waits();
            self.rouse();
        } else if !self.routes.map.get(&id).is_some_and(|route| route.known) {
            let _ = self.ask_against(id);
        }
    }
}
