//! What repeats in a packet: one lazy list over checked wire bytes or over the caller's slice.

use core::{fmt, slice};

use crate::Rule;
use crate::wire::{Writer, add};

/// An item of a [`List`]: how it is written, and how it is read back from bytes that have been checked.
///
/// Sealed: the items are [`Property`](crate::Property), [`Subscription`](crate::Subscription),
/// [`Filter`](crate::Filter) and [`ReasonCode`](crate::ReasonCode).
#[expect(private_bounds, reason = "sealed")]
pub trait Item<'a>: Copy + PartialEq + fmt::Debug + Wire<'a> {}

/// The private half of [`Item`].
pub(crate) trait Wire<'a>: Sized {
    /// Takes an item from the front of bytes that have been checked; `None` at their end.
    fn get(rest: &mut &'a [u8]) -> Option<Self>;
    /// Writes the item.
    fn put(&self, w: &mut Writer<'_>);
}

/// Items that stand in a packet, in their order.
///
/// A decoded list is the packet's own bytes, checked once; iterating reads them again, allocates nothing and cannot fail.
/// A list to be sent is the caller's slice. Both compare, print and encode alike.
///
/// ```
/// use mqtt5_codec::{List, ReasonCode};
/// let reasons = [ReasonCode::GRANTED_QOS_1, ReasonCode::NOT_AUTHORIZED];
/// let list = List::from(&reasons[..]);
/// assert!(list.iter().eq(reasons));
/// ```
pub struct List<'a, T> {
    items: Items<'a, T>,
}

enum Items<'a, T> {
    Wire(&'a [u8]),
    Slice(&'a [T]),
}

impl<T> Clone for List<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for List<'_, T> {}

impl<T> Clone for Items<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Items<'_, T> {}

impl<'a, T> List<'a, T> {
    /// No items.
    pub const EMPTY: Self = Self { items: Items::Wire(&[]) };

    /// Wraps bytes that have been checked.
    pub(crate) const fn checked(bytes: &'a [u8]) -> Self {
        Self { items: Items::Wire(bytes) }
    }

    /// The items' bytes, if they are checked bytes or none.
    #[cfg(feature = "bytes")]
    pub(crate) const fn wire(&self) -> Option<&'a [u8]> {
        match self.items {
            Items::Wire(bytes) => Some(bytes),
            Items::Slice(items) => {
                if items.is_empty() {
                    Some(&[])
                } else {
                    None
                }
            }
        }
    }

    /// Whether there is no item.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        match self.items {
            Items::Wire(bytes) => bytes.is_empty(),
            Items::Slice(items) => items.is_empty(),
        }
    }
}

impl<'a, T: Item<'a>> List<'a, T> {
    /// The items in their order.
    pub fn iter(&self) -> Iter<'a, T> {
        Iter {
            rest: match self.items {
                Items::Wire(bytes) => Rest::Wire(bytes),
                Items::Slice(items) => Rest::Slice(items.iter()),
            },
        }
    }

    /// How many items there are. Reads through a decoded list.
    #[must_use]
    pub fn len(&self) -> usize {
        match self.items {
            Items::Wire(_) => self.iter().count(),
            Items::Slice(items) => items.len(),
        }
    }

    /// The caller's slice, or the wire bytes.
    pub(crate) fn slice(&self) -> Result<&'a [T], &'a [u8]> {
        match self.items {
            Items::Slice(items) => Ok(items),
            Items::Wire(bytes) => Err(bytes),
        }
    }

    /// How many bytes the items take, if each may be sent: `size` tells of one.
    pub(crate) fn measure(&self, size: impl Fn(T) -> Result<usize, Rule>) -> Result<usize, Rule> {
        let mut len = 0;
        for item in self {
            len = add(len, size(item)?);
        }
        Ok(len)
    }

    /// Writes all items, whose length is `len`, as [`measure`](Self::measure) has told.
    pub(crate) fn put(&self, w: &mut Writer<'_>, len: usize) {
        w.apart(len, |w| match self.items {
            Items::Wire(ref bytes) => w.put(bytes),
            Items::Slice(items) => items.iter().for_each(|item| item.put(w)),
        });
    }
}

impl<'a, T> From<&'a [T]> for List<'a, T> {
    fn from(items: &'a [T]) -> Self {
        Self { items: Items::Slice(items) }
    }
}

impl<'a, T, const N: usize> From<&'a [T; N]> for List<'a, T> {
    fn from(items: &'a [T; N]) -> Self {
        Self { items: Items::Slice(items) }
    }
}

impl<T> Default for List<'_, T> {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl<'a, T: Item<'a>> PartialEq for List<'a, T> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<'a, T: Item<'a>> fmt::Debug for List<'a, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<'a, T: Item<'a>> IntoIterator for List<'a, T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

impl<'a, T: Item<'a>> IntoIterator for &List<'a, T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

/// The items of a [`List`], one after the other.
#[derive(Clone)]
pub struct Iter<'a, T> {
    rest: Rest<'a, T>,
}

#[derive(Clone)]
enum Rest<'a, T> {
    Wire(&'a [u8]),
    Slice(slice::Iter<'a, T>),
}

impl<'a, T: Item<'a>> Iterator for Iter<'a, T> {
    type Item = T;

    #[cfg_attr(target_pointer_width = "64", inline(always))]
    #[cfg_attr(not(target_pointer_width = "64"), inline)]
    fn next(&mut self) -> Option<T> {
        match &mut self.rest {
            Rest::Wire(rest) => T::get(rest),
            Rest::Slice(items) => items.next().copied(),
        }
    }
}

impl<'a, T: Item<'a>> core::iter::FusedIterator for Iter<'a, T> {}

impl<T> fmt::Debug for Iter<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Iter")
    }
}
