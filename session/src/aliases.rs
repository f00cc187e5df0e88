//! Topic aliases that we give: their topics are chunks of the packet memory, the one used last first.

use core::num::NonZeroU32;

use mqtt5_codec::{Publish, Sender, TopicAlias, TopicRef};

use crate::arena::NIL;
use crate::state::{AliasCalls, Engine};

pub(crate) static CALLS: AliasCalls = AliasCalls {
    choose: |engine, publish| engine.choose_alias(publish),
    note: |engine, alias, topic| engine.note_alias(alias.get(), topic),
    forget: |engine| engine.forget_aliases(),
};

impl Engine<'_> {
    /// Gives a message an alias, alone where the server knows it.
    fn choose_alias(&self, publish: &mut Publish<'_>) -> Option<TopicAlias> {
        let TopicRef::Name(name) = publish.topic else { return None };
        let (alias, known) = self.alias_of(name.as_bytes());
        let alias = TopicAlias::new(alias)?;
        publish.topic = if known { TopicRef::Alias(alias) } else { TopicRef::NameAndAlias(name, alias) };
        // An alias may make the packet longer, perhaps too long.
        let fits = |max: NonZeroU32| publish.encoded_len(Sender::Client).is_ok_and(|len| len <= max.get() as usize);
        if self.link.largest.server.is_none_or(fits) {
            return Some(alias);
        }
        publish.topic = TopicRef::Name(name);
        None
    }

    /// The alias for a topic, and whether the server knows it: that of the topic, a new one, or the one not used for longest.
    fn alias_of(&self, topic: &[u8]) -> (u16, bool) {
        let (mut at, mut last) = (self.link.aliases.topics, 0);
        while at != NIL {
            last = self.arena.slot(at);
            if self.arena.packet(at) == topic {
                return (last, true);
            }
            at = self.arena.after(at);
        }
        let count = self.link.aliases.count;
        (if count < self.link.aliases.max { count.wrapping_add(1) } else { last }, false)
    }

    /// Notes that an alias stands for a topic, and was used just now.
    fn note_alias(&mut self, alias: u16, topic: &[u8]) {
        let (mut at, mut before) = (self.link.aliases.topics, NIL);
        while at != NIL && self.arena.slot(at) != alias {
            before = at;
            at = self.arena.after(at);
        }
        if at == NIL {
            self.link.aliases.count = alias.max(self.link.aliases.count);
        } else {
            let next = self.arena.after(at);
            if before == NIL {
                self.link.aliases.topics = next;
            } else {
                self.arena.set_after(before, next);
            }
            if self.arena.packet(at) != topic {
                self.arena.give(at);
                at = NIL;
            }
        }
        if at == NIL {
            // Without room the topic is not remembered: the alias is not used again until it is given anew.
            let Some(new) = self.arena.take(topic.len()) else { return };
            at = new;
            for (to, from) in self.arena.packet_mut(at).iter_mut().zip(topic) {
                *to = *from;
            }
            self.arena.note(at, alias, 0);
        }
        self.arena.set_after(at, self.link.aliases.topics);
        self.link.aliases.topics = at;
    }

    /// The connection is gone, and the aliases with it.
    fn forget_aliases(&mut self) {
        let mut at = self.link.aliases.topics;
        while at != NIL {
            let next = self.arena.after(at);
            self.arena.give(at);
            at = next;
        }
    }
}
