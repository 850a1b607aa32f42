// SPDX-License-Identifier: Apache-2.0
//! Values: immutable, shared, made by the host. `Value` owns a reference, `ValueRef` borrows one.

use std::ffi::c_void;
use std::marker::PhantomData;
use std::mem::{size_of, MaybeUninit};
use std::ptr::{null, null_mut};

use crate::abi::*;
use crate::error::{Error, Status};
use crate::host::{host, values};

/// `Other`: a kind of a later minor, to be passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Null,
    Bool,
    Int,
    Float,
    Decimal,
    String,
    Bytes,
    List,
    Map,
    Tensor,
    Other,
}

impl Kind {
    fn of(kind: heddle_kind) -> Kind {
        match kind {
            HEDDLE_NULL => Kind::Null,
            HEDDLE_BOOL => Kind::Bool,
            HEDDLE_INT => Kind::Int,
            HEDDLE_FLOAT => Kind::Float,
            HEDDLE_DECIMAL => Kind::Decimal,
            HEDDLE_STRING => Kind::String,
            HEDDLE_BYTES => Kind::Bytes,
            HEDDLE_LIST => Kind::List,
            HEDDLE_MAP => Kind::Map,
            HEDDLE_TENSOR => Kind::Tensor,
            _ => Kind::Other,
        }
    }
    /// As a message calls it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Null => "null",
            Kind::Bool => "a bool",
            Kind::Int | Kind::Float | Kind::Decimal => "a number",
            Kind::String => "a text",
            Kind::Bytes => "bytes",
            Kind::List => "a list",
            Kind::Map => "an object",
            Kind::Tensor => "a tensor",
            Kind::Other => "of a kind that this plugin does not know",
        }
    }
}

/// Borrowed from a [`Value`], or from the call that brought it.
#[derive(Clone, Copy)]
pub struct ValueRef<'a> {
    v: *const heddle_value,
    lender: PhantomData<&'a heddle_value>,
}

// SAFETY: a value is immutable, and every getter is tagged [any].
unsafe impl Send for ValueRef<'_> {}
unsafe impl Sync for ValueRef<'_> {}

impl<'a> ValueRef<'a> {
    /// # Safety
    /// `v` must be null, or live for `'a`.
    pub unsafe fn borrow(v: *const heddle_value) -> Option<ValueRef<'a>> {
        if v.is_null() {
            None
        } else {
            Some(ValueRef { v, lender: PhantomData })
        }
    }
    pub fn as_ptr(self) -> *const heddle_value {
        self.v
    }

    pub fn kind(self) -> Kind {
        Kind::of(unsafe { (values().kind)(self.v) })
    }
    pub fn is_null(self) -> bool {
        self.kind() == Kind::Null
    }

    pub fn as_bool(self) -> Option<bool> {
        self.got(values().get_bool)
    }
    pub fn as_int(self) -> Option<i64> {
        self.got(values().get_int)
    }
    /// Of an int, a float or a decimal: the nearest double.
    pub fn as_float(self) -> Option<f64> {
        self.got(values().get_float)
    }
    /// Of a string; or the digits of a decimal.
    pub fn as_text(self) -> Option<&'a str> {
        self.got(values().get_text).map(|text| unsafe { text.text() })
    }
    /// Bytes that lie in the memory of this process.
    pub fn as_bytes(self) -> Option<&'a [u8]> {
        let mut view = heddle_view { struct_size: size_of::<heddle_view>() as u32, memory: 0, device: 0, fd: -1, data: null(), size: 0, fd_offset: 0 };
        if !unsafe { (values().get_view)(self.v, &mut view) } {
            return None;
        }
        match (view.data.is_null(), view.size) {
            (_, 0) => Some(&[]),
            (true, _) => None,
            // SAFETY: the view lives with the value, and nobody writes to it.
            (false, size) => Some(unsafe { std::slice::from_raw_parts(view.data as *const u8, size as usize) }),
        }
    }

    /// Elements of a list or a map, bytes of a string or of bytes; else 0.
    pub fn len(self) -> usize {
        unsafe { (values().length)(self.v) }
    }
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
    /// Element `i` of a list or a map.
    pub fn at(self, i: usize) -> Option<ValueRef<'a>> {
        unsafe { ValueRef::borrow((values().at)(self.v, i, null_mut())) }
    }
    /// Member `i` of a map, in the order they were given.
    pub fn member(self, i: usize) -> Option<(&'a str, ValueRef<'a>)> {
        if self.kind() != Kind::Map {
            return None;
        }
        let mut key = heddle_str { ptr: null(), len: 0 };
        let found = unsafe { ValueRef::borrow((values().at)(self.v, i, &mut key)) };
        found.map(|value| (unsafe { key.text() }, value))
    }
    pub fn find(self, key: &str) -> Option<ValueRef<'a>> {
        unsafe { ValueRef::borrow((values().find)(self.v, heddle_str::of(key))) }
    }
    /// The JSON text; the original bytes where there are some.
    pub fn json(self) -> Result<&'a str, Error> {
        self.got(values().json).map(|text| unsafe { text.text() }).ok_or_else(|| Error::new(Status::EXHAUSTED, "no memory for the JSON text of a value"))
    }
    /// A reference of one's own; nothing is copied.
    pub fn share(self) -> Value {
        unsafe { (values().retain)(self.v) };
        Value { v: self.v as *mut heddle_value }
    }

    fn got<T>(self, getter: unsafe extern "C" fn(*const heddle_value, *mut T) -> bool) -> Option<T> {
        let mut out = MaybeUninit::uninit();
        // SAFETY: v lives, and where the getter answers true it has written.
        unsafe {
            if getter(self.v, out.as_mut_ptr()) {
                Some(out.assume_init())
            } else {
                None
            }
        }
    }
}

/// One reference, released by drop. A clone shares.
pub struct Value {
    v: *mut heddle_value,
}

// SAFETY: a value is immutable, and may be shared and released on any thread.
unsafe impl Send for Value {}
unsafe impl Sync for Value {}

impl Value {
    pub fn null() -> Result<Value, Error> {
        made("null", unsafe { (values().make_null)(host()) })
    }
    pub fn bool(b: bool) -> Result<Value, Error> {
        made("a bool", unsafe { (values().make_bool)(host(), b) })
    }
    pub fn int(i: i64) -> Result<Value, Error> {
        made("an int", unsafe { (values().make_int)(host(), i) })
    }
    pub fn float(d: f64) -> Result<Value, Error> {
        if !d.is_finite() {
            return Err(Error::invalid(format!("{} is no number that a value can hold", d)));
        }
        made("a float", unsafe { (values().make_float)(host(), d) })
    }
    /// Exact, in the grammar of JSON numbers.
    pub fn decimal(digits: &str) -> Result<Value, Error> {
        made("a decimal", unsafe { (values().make_decimal)(host(), heddle_str::of(digits)) })
    }
    pub fn text(text: &str) -> Result<Value, Error> {
        made("a text", unsafe { (values().make_string)(host(), heddle_str::of(text)) })
    }
    pub fn json(text: &str) -> Result<Value, Error> {
        made("a value from JSON", unsafe { (values().make_json)(host(), heddle_str::of(text)) })
    }
    pub fn bytes(bytes: &[u8]) -> Result<Value, Error> {
        let mut room: *mut c_void = null_mut();
        unsafe {
            let buffer = (values().alloc)(host(), bytes.len() as u64, 1, &mut room);
            if buffer.is_null() {
                return Err(not_made("bytes"));
            }
            if !bytes.is_empty() {
                std::ptr::copy_nonoverlapping(bytes.as_ptr(), room as *mut u8, bytes.len());
            }
            let v = (values().make_bytes)(host(), buffer, 0, bytes.len() as u64);
            if v.is_null() {
                (values().drop_buffer)(buffer);
            }
            made("bytes", v)
        }
    }
    pub fn list(items: Vec<Value>) -> Result<Value, Error> {
        let raw: Vec<*mut heddle_value> = items.iter().map(|item| item.v).collect();
        let v = made("a list", unsafe { (values().make_list)(host(), raw.as_ptr(), raw.len()) })?;
        items.into_iter().for_each(std::mem::forget); // consumed
        Ok(v)
    }
    pub fn map(members: Vec<(&str, Value)>) -> Result<Value, Error> {
        let keys: Vec<heddle_str> = members.iter().map(|(key, _)| heddle_str::of(key)).collect();
        let raw: Vec<*mut heddle_value> = members.iter().map(|(_, item)| item.v).collect();
        let v = made("an object", unsafe { (values().make_map)(host(), keys.as_ptr(), raw.as_ptr(), raw.len()) })?;
        members.into_iter().for_each(std::mem::forget); // consumed
        Ok(v)
    }

    pub fn get(&self) -> ValueRef<'_> {
        ValueRef { v: self.v, lender: PhantomData }
    }

    /// Takes over a reference.
    ///
    /// # Safety
    /// `v` must be null, or a reference that nobody else will release.
    pub unsafe fn adopt(v: *mut heddle_value) -> Option<Value> {
        if v.is_null() {
            None
        } else {
            Some(Value { v })
        }
    }
    /// Gives the reference away.
    pub fn into_raw(self) -> *mut heddle_value {
        let v = self.v;
        std::mem::forget(self);
        v
    }
}

impl Clone for Value {
    fn clone(&self) -> Value {
        self.get().share()
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        unsafe { (values().release)(self.v) }
    }
}

fn not_made(what: &str) -> Error {
    Error::invalid(format!("the host cannot make {} of this", what))
}

fn made(what: &str, v: *mut heddle_value) -> Result<Value, Error> {
    unsafe { Value::adopt(v) }.ok_or_else(|| not_made(what))
}
