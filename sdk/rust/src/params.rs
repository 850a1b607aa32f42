// SPDX-License-Identifier: Apache-2.0
//! What a node is made from: its params, which the host has checked against the type's schema.

use crate::error::Error;
use crate::value::ValueRef;

/// Lives while the node is made: copy out what you need. Defaults stated in the schema are not filled in: `None` is an absent param.
#[derive(Clone, Copy)]
pub struct Params<'a> {
    all: ValueRef<'a>,
}

impl<'a> Params<'a> {
    pub(crate) fn new(all: ValueRef<'a>) -> Params<'a> {
        Params { all }
    }
    pub fn find(self, key: &str) -> Option<ValueRef<'a>> {
        self.all.find(key)
    }
    pub fn flag(self, key: &str) -> Result<Option<bool>, Error> {
        self.read(key, "true or false", ValueRef::as_bool)
    }
    pub fn int(self, key: &str) -> Result<Option<i64>, Error> {
        self.read(key, "a whole number", ValueRef::as_int)
    }
    pub fn float(self, key: &str) -> Result<Option<f64>, Error> {
        self.read(key, "a number", ValueRef::as_float)
    }
    pub fn text(self, key: &str) -> Result<Option<&'a str>, Error> {
        self.read(key, "a text", ValueRef::as_text)
    }

    fn read<T>(self, key: &str, wanted: &str, read: impl Fn(ValueRef<'a>) -> Option<T>) -> Result<Option<T>, Error> {
        match self.find(key) {
            None => Ok(None),
            Some(value) => match read(value) {
                Some(got) => Ok(Some(got)),
                None => Err(Error::invalid(format!("the param \"{}\" is {}, and must be {}", key, value.kind().name(), wanted))),
            },
        }
    }
}
