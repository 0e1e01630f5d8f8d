//! What a schema says, by the type of the value: a value is looked at under one rule, however the schema is written.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::number::ExactNumber;

/// Which values fit. At most one of the rules is for a value of any one type, so that checking a value costs as much as
/// reading it.
#[derive(Clone, Default)]
pub(super) struct Shape {
    pub(super) null: bool,
    /// Whether `false` and `true` fit.
    pub(super) booleans: [bool; 2],
    pub(super) numbers: Option<Numbers>,
    pub(super) texts: Option<Texts>,
    pub(super) lists: Option<Arc<Lists>>,
    pub(super) objects: Option<Arc<Objects>>,
    /// Levels of schemas in it, itself included.
    pub(super) height: usize,
}

#[derive(Clone)]
pub(super) enum Numbers {
    Within(Range),
    OneOf(Constants<ExactNumber>),
}

#[derive(Clone, Copy, Default)]
pub(super) struct Range {
    pub(super) integer: bool,
    pub(super) least: Option<Bound>,
    pub(super) most: Option<Bound>,
}

#[derive(Clone, Copy)]
pub(super) struct Bound {
    pub(super) number: ExactNumber,
    /// Whether the bound itself does not fit.
    pub(super) excluded: bool,
}

#[derive(Clone)]
pub(super) enum Texts {
    Within(Count),
    OneOf(Constants<String>),
}

/// How many characters or items there may be.
#[derive(Clone, Copy, Default)]
pub(super) struct Count {
    pub(super) least: u64,
    pub(super) most: Option<u64>,
}

#[derive(Default)]
pub(super) struct Lists {
    pub(super) count: Count,
    pub(super) unique: bool,
    /// Of the first items, one each.
    pub(super) first: Vec<Shape>,
    /// Of all other keys. Without one they may be anything.
    pub(super) items: Option<Shape>,
}

#[derive(Default)]
pub(super) struct Objects {
    /// In the schema's own order.
    pub(super) properties: Vec<Property>,
    pub(super) index: BTreeMap<String, usize>,
    pub(super) required: Vec<String>,
    pub(super) others: Others,
}

/// Keys that are no properties.
#[derive(Default)]
pub(super) enum Others {
    #[default]
    Anything,
    Fitting(Shape),
    Refused,
}

/// A key of a configuration.
pub struct Property {
    pub(super) name: String,
    pub(super) shape: Shape,
    pub(super) default: Option<Value>,
    pub(super) description: Option<String>,
}

/// Values of one type that are listed one by one.
#[derive(Clone)]
pub(super) struct Constants<T> {
    set: Arc<BTreeSet<T>>,
    /// As the author has them.
    order: Arc<[T]>,
}

impl<T: Ord + Clone> Constants<T> {
    /// Each once, with the first that occurs twice.
    pub(super) fn new(values: Vec<T>) -> (Self, Option<T>) {
        let (mut set, mut order, mut twice) = (BTreeSet::new(), Vec::new(), None);
        for value in values {
            if set.insert(value.clone()) {
                order.push(value);
            } else {
                twice.get_or_insert(value);
            }
        }
        (Self { set: Arc::new(set), order: order.into() }, twice)
    }

    pub(super) fn order(&self) -> &[T] {
        &self.order
    }
}

impl Constants<String> {
    pub(super) fn has(&self, text: &str) -> bool {
        self.set.contains(text)
    }
}

impl Constants<ExactNumber> {
    pub(super) fn has(&self, number: &ExactNumber) -> bool {
        self.set.contains(number)
    }
}

impl Range {
    pub(super) fn has(&self, number: ExactNumber) -> bool {
        (!self.integer || number.is_integer())
            && self.least.is_none_or(|least| number > least.number || (!least.excluded && number == least.number))
            && self.most.is_none_or(|most| number < most.number || (!most.excluded && number == most.number))
    }
}

impl Numbers {
    pub(super) fn has(&self, number: ExactNumber) -> bool {
        match self {
            Self::Within(range) => range.has(number),
            Self::OneOf(constants) => constants.has(&number),
        }
    }
}

impl Count {
    pub(super) fn has(&self, count: usize) -> bool {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        count >= self.least && self.most.is_none_or(|most| count <= most)
    }
}

impl Shape {
    /// What every value fits.
    pub(super) fn anything() -> Self {
        Self {
            null: true,
            booleans: [true; 2],
            numbers: Some(Numbers::Within(Range::default())),
            texts: Some(Texts::Within(Count::default())),
            lists: Some(Arc::default()),
            objects: Some(Arc::default()),
            height: 1,
        }
    }

    /// Returns whether it fits nothing but values that are listed one by one, if anything.
    pub(super) fn is_of_constants(&self) -> bool {
        let ranges = matches!(self.numbers, Some(Numbers::Within(_))) || matches!(self.texts, Some(Texts::Within(_)));
        !ranges && self.lists.is_none() && self.objects.is_none()
    }
}

impl Objects {
    pub(super) fn property(&self, name: &str) -> Option<&Property> {
        self.index.get(name).and_then(|place| self.properties.get(*place))
    }
}
