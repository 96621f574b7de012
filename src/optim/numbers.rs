//! Options of a method: a struct whose fields declare defaults and ranges. Generic code, such as the command line,
//! reads and sets them by name.

use crate::Result;

/// The value of an option.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// A real number.
    Real(f64),
    /// A whole number.
    Whole(u32),
    /// On or off.
    Switch(bool),
}

/// An option of a method.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Number {
    /// The field's name, also used in records.
    pub name: &'static str,
    /// One-sentence description.
    pub about: &'static str,
    /// The current value.
    pub value: Value,
}

/// Access to the options by name, which `numbers!` implements.
pub(super) trait Numbers {
    /// All options, in the order of the fields.
    fn numbers(&self) -> Vec<Number>;

    /// Sets the option `name`. Returns true if there is one of that name and type.
    fn set(&mut self, name: &str, value: Value) -> bool;

    /// Checks that each option is in its range.
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

            /// The number, or the value itself if it is of another type.
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

/// Declares a struct of options. Each has a default and, unless it is a switch, a function of `crate::range` that
/// checks it. The options of another method may follow the fields.
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
