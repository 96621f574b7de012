//! The numbers of a method: a struct whose fields say their defaults and their ranges. Whoever walks the numbers of any
//! method, such as a command line, has them by name.

use crate::Result;

/// What a number of a method is set to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// A real number.
    Real(f64),
    /// A whole number.
    Whole(u32),
    /// Whether something is on.
    Switch(bool),
}

/// A number of a method.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Number {
    /// Its field, which is its name in records too.
    pub name: &'static str,
    /// What it is, in a sentence.
    pub about: &'static str,
    /// What it is set to.
    pub value: Value,
}

/// What `numbers!` makes of the fields of a struct.
pub(super) trait Numbers {
    /// Each number, in the order of the fields.
    fn numbers(&self) -> Vec<Number>;

    /// Sets the number `name`; whether there is one of that name and kind.
    fn set(&mut self, name: &str, value: Value) -> bool;

    /// Whether each number is in its range.
    ///
    /// # Errors
    /// [`crate::Error::Option`] that names the first that is not, and its range.
    fn in_range(&self) -> Result<()>;
}

macro_rules! kinds {
    ($($kind:ident($number:ty)),+) => {$(
        impl From<$number> for Value {
            fn from(number: $number) -> Self { Self::$kind(number) }
        }

        impl TryFrom<Value> for $number {
            type Error = Value;

            /// The number, or the value where that is of another kind.
            fn try_from(value: Value) -> std::result::Result<Self, Value> {
                match value {
                    Value::$kind(number) => Ok(number),
                    other => Err(other),
                }
            }
        }
    )+};
}

kinds! { Real(f64), Whole(u32), Switch(bool) }

/// A struct of numbers, each with its default and, unless it is a switch, with what of `crate::range` refuses the others.
/// Behind the fields may stand the numbers of another method that it has too.
macro_rules! numbers {
    (
        $(#[doc = $doc:literal])+
        pub struct $name:ident {
            $($(#[doc = $about:literal])+ $field:ident: $kind:ident = $default:expr $(, $range:path)?;)+
        }
        $(and $(#[doc = $others_doc:literal])+ $others:ident: $other:ident)?
    ) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        pub struct $name {
            $($(#[doc = $about])+ pub $field: $kind,)+
            $($(#[doc = $others_doc])+ #[serde(flatten)] pub $others: $other,)?
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)+ $($others: $other::default(),)? }
            }
        }

        impl $crate::optim::numbers::Numbers for $name {
            fn numbers(&self) -> Vec<$crate::optim::Number> {
                let own = [$($crate::optim::Number {
                    name: stringify!($field),
                    about: concat!($($about),+).trim(),
                    value: self.$field.into(),
                }),+];
                own.into_iter()$(.chain(self.$others.numbers()))?.collect()
            }

            fn set(&mut self, name: &str, value: $crate::optim::Value) -> bool {
                match name {
                    $(stringify!($field) => <$kind>::try_from(value).map(|value| self.$field = value).is_ok(),)+
                    _ => false $(|| self.$others.set(name, value))?,
                }
            }

            fn in_range(&self) -> $crate::Result<()> {
                $($($range(stringify!($field), self.$field.into())?;)?)+
                $(self.$others.in_range()?;)?
                Ok(())
            }
        }
    };
}

pub(super) use numbers;
