//! One value of an Arrow array as JSON.
//!
//! Arrow's own JSON writer is not used: it turns a float that is not finite into null and bytes into hexadecimal text,
//! without a word.

use arrow::array::{Array, ArrayRef, AsArray as _, PrimitiveArray, StructArray};
use arrow::datatypes::*;
use serde::ser::{Error as _, Serialize, SerializeMap as _, Serializer};
use serde_json::value::RawValue;

use super::row::{MOST_BYTES, too_long_text};

/// The column at fault and its type, if `data_type` or a type in it has no counterpart in JSON.
pub(super) fn unsupported(column: String, data_type: &DataType) -> Option<(String, String)> {
    match data_type {
        DataType::Null
        | DataType::Boolean
        | DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32
        | DataType::UInt64
        | DataType::Float16
        | DataType::Float32
        | DataType::Float64
        | DataType::Utf8
        | DataType::Decimal128(..)
        | DataType::Decimal256(..)
        | DataType::Date32
        | DataType::Time32(TimeUnit::Millisecond)
        | DataType::Time64(_)
        | DataType::Timestamp(..) => None,
        DataType::List(item) => unsupported(format!("{column}[]"), item.data_type()),
        DataType::Struct(fields) => {
            fields.iter().find_map(|field| unsupported(format!("{column}.{}", field.name()), field.data_type()))
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) => match &**fields {
                [key, value] if *key.data_type() == DataType::Utf8 => {
                    unsupported(format!("{column}{{}}"), value.data_type())
                }
                _ => Some((column, data_type.to_string())),
            },
            _ => Some((column, data_type.to_string())),
        },
        other => Some((column, other.to_string())),
    }
}

/// The value at `index`, which the array has, of an array whose type is not [`unsupported`], with views of texts.
pub(super) struct JsonCell<'a> {
    pub(super) array: &'a ArrayRef,
    pub(super) index: usize,
}

impl JsonCell<'_> {
    pub(super) fn is_absent(&self) -> bool {
        self.array.is_null(self.index) || *self.array.data_type() == DataType::Null
    }
}

impl Serialize for JsonCell<'_> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        if self.is_absent() {
            return out.serialize_unit();
        }
        let (array, index) = (self.array, self.index);
        match array.data_type() {
            DataType::Boolean => out.serialize_bool(array.as_boolean().value(index)),
            DataType::Int8 => out.serialize_i8(array.as_primitive::<Int8Type>().value(index)),
            DataType::Int16 => out.serialize_i16(array.as_primitive::<Int16Type>().value(index)),
            DataType::Int32 => out.serialize_i32(array.as_primitive::<Int32Type>().value(index)),
            DataType::Int64 => out.serialize_i64(array.as_primitive::<Int64Type>().value(index)),
            DataType::UInt8 => out.serialize_u8(array.as_primitive::<UInt8Type>().value(index)),
            DataType::UInt16 => out.serialize_u16(array.as_primitive::<UInt16Type>().value(index)),
            DataType::UInt32 => out.serialize_u32(array.as_primitive::<UInt32Type>().value(index)),
            DataType::UInt64 => out.serialize_u64(array.as_primitive::<UInt64Type>().value(index)),
            DataType::Float16 => finite(array.as_primitive::<Float16Type>().value(index).to_f32())?.serialize(out),
            DataType::Float32 => finite(array.as_primitive::<Float32Type>().value(index))?.serialize(out),
            DataType::Float64 => finite(array.as_primitive::<Float64Type>().value(index))?.serialize(out),
            DataType::Utf8View => {
                let text = array.as_string_view().value(index);
                // Before looking for what must be escaped in it.
                if text.len() as u64 > MOST_BYTES {
                    return Err(S::Error::custom(too_long_text()));
                }
                out.serialize_str(text)
            }
            DataType::Decimal128(..) => digits(array.as_primitive::<Decimal128Type>().value_as_string(index), out),
            DataType::Decimal256(..) => digits(array.as_primitive::<Decimal256Type>().value_as_string(index), out),
            DataType::Date32 => iso(array.as_primitive::<Date32Type>().value_as_date(index), "", out),
            DataType::Time32(_) => time::<Time32MillisecondType, S>(array.as_primitive(), index, out),
            DataType::Time64(TimeUnit::Nanosecond) => time::<Time64NanosecondType, S>(array.as_primitive(), index, out),
            DataType::Time64(_) => time::<Time64MicrosecondType, S>(array.as_primitive(), index, out),
            DataType::Timestamp(unit, zone) => {
                let zone = if zone.is_some() { "Z" } else { "" };
                match unit {
                    TimeUnit::Second => stamp::<TimestampSecondType, S>(array.as_primitive(), index, zone, out),
                    TimeUnit::Millisecond => {
                        stamp::<TimestampMillisecondType, S>(array.as_primitive(), index, zone, out)
                    }
                    TimeUnit::Microsecond => {
                        stamp::<TimestampMicrosecondType, S>(array.as_primitive(), index, zone, out)
                    }
                    TimeUnit::Nanosecond => stamp::<TimestampNanosecondType, S>(array.as_primitive(), index, zone, out),
                }
            }
            DataType::List(_) => {
                let items = array.as_list::<i32>().value(index);
                out.collect_seq((0..items.len()).map(|index| JsonCell { array: &items, index }))
            }
            DataType::Struct(_) => object(array.as_struct(), index, out),
            DataType::Map(..) => map(&array.as_map().value(index), out),
            other => Err(S::Error::custom(format!("expected a type with a counterpart in JSON, found {other}"))),
        }
    }
}

fn object<S: Serializer>(array: &StructArray, index: usize, out: S) -> Result<S::Ok, S::Error> {
    let cells = array.fields().iter().zip(array.columns());
    let cells = cells.map(|(field, array)| (field.name(), JsonCell { array, index }));
    out.collect_map(cells.filter(|(_, cell)| !cell.is_absent()))
}

fn map<S: Serializer>(entries: &StructArray, out: S) -> Result<S::Ok, S::Error> {
    let mut object = out.serialize_map(None)?;
    if let [keys, values] = entries.columns() {
        let keys = keys.as_string_view();
        for index in 0..entries.len() {
            object.serialize_entry(keys.value(index), &JsonCell { array: values, index })?;
        }
    }
    object.end()
}

/// JSON has no others.
fn finite<F: Copy + Into<f64>, E: serde::ser::Error>(float: F) -> Result<F, E> {
    let value: f64 = float.into();
    if value.is_finite() { Ok(float) } else { Err(E::custom(format!("expected a finite number, found {value}"))) }
}

/// All digits of a decimal: as many as the file has, more than a float may hold.
fn digits<S: Serializer>(decimal: String, out: S) -> Result<S::Ok, S::Error> {
    RawValue::from_string(decimal).map_err(S::Error::custom)?.serialize(out)
}

fn time<T: ArrowTemporalType, S: Serializer>(array: &PrimitiveArray<T>, index: usize, out: S) -> Result<S::Ok, S::Error>
where
    i64: From<T::Native>,
{
    iso(array.value_as_time(index), "", out)
}

fn stamp<T: ArrowTemporalType, S: Serializer>(
    array: &PrimitiveArray<T>,
    index: usize,
    zone: &str,
    out: S,
) -> Result<S::Ok, S::Error>
where
    i64: From<T::Native>,
{
    iso(array.value_as_datetime(index), zone, out)
}

/// ISO 8601, which is how dates and times print themselves for debugging.
fn iso<S: Serializer>(moment: Option<impl std::fmt::Debug>, zone: &str, out: S) -> Result<S::Ok, S::Error> {
    let moment =
        moment.ok_or_else(|| S::Error::custom("expected a date or time of the calendar, found one beyond it"))?;
    out.collect_str(&format_args!("{moment:?}{zone}"))
}
