//! The keyword `type`.

use super::number::ExactNumber;
use super::shape::{Constants, Numbers, Range, Shape};

/// The types of a schema's `type`.
#[derive(Clone, Copy, Default)]
pub(super) struct Types {
    pub(super) null: bool,
    pub(super) boolean: bool,
    /// Of integers alone, or of any numbers.
    pub(super) integer: bool,
    pub(super) number: bool,
    pub(super) string: bool,
    pub(super) array: bool,
    pub(super) object: bool,
}

impl Types {
    /// What of `shape` has one of these types.
    pub(super) fn of(self, shape: Shape) -> Shape {
        let integers = self.integer && !self.number;
        let numbers = shape.numbers.filter(|_| self.integer || self.number).and_then(|numbers| match numbers {
            Numbers::Within(range) => Some(Numbers::Within(Range { integer: range.integer || integers, ..range })),
            Numbers::OneOf(constants) if integers => {
                let whole: Vec<ExactNumber> = constants.order().iter().copied().filter(|n| n.is_integer()).collect();
                (!whole.is_empty()).then(|| Numbers::OneOf(Constants::new(whole).0))
            }
            constants => Some(constants),
        });
        Shape {
            null: shape.null && self.null,
            booleans: shape.booleans.map(|fits| fits && self.boolean),
            numbers,
            texts: shape.texts.filter(|_| self.string),
            lists: shape.lists.filter(|_| self.array),
            objects: shape.objects.filter(|_| self.object),
            height: shape.height,
        }
    }
}
