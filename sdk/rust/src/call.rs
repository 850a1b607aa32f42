// SPDX-License-Identifier: Apache-2.0
//! One unit of work of a node. The crate answers it with what `process` returns.

use std::marker::PhantomData;
use std::mem::size_of;
use std::ptr::null_mut;

use crate::abi::*;
use crate::error::{Error, Status};
use crate::host::{calls, ops};
use crate::value::{Value, ValueRef};

/// The envelope of an input (`heddle/item.h`).
#[derive(Clone, Copy, Debug)]
pub struct Item {
    pub id: u64,
    pub sequence: u64,
    pub attempt: u32,
    /// CLOCK_MONOTONIC; 0: none.
    pub deadline_ns: u64,
}

pub struct Call<'a> {
    c: *mut heddle_call,
    of: PhantomData<&'a mut heddle_call>,
}

impl<'a> Call<'a> {
    // The call must not be complete before the Call is gone.
    pub(crate) unsafe fn new(c: *mut heddle_call) -> Call<'a> {
        Call { c, of: PhantomData }
    }

    /// The index of the input port.
    pub fn port(&self) -> u32 {
        unsafe { (calls().port)(self.c) }
    }
    /// None in `finish`, for a source, and after `take`.
    pub fn input(&self) -> Option<ValueRef<'_>> {
        unsafe { ValueRef::borrow((calls().input)(self.c)) }
    }
    /// The input, now yours. Take it after the last point at which you can fail: then a failure still carries the original.
    pub fn take(&mut self) -> Option<Value> {
        unsafe { Value::adopt((calls().take)(self.c)) }
    }
    /// Sends `value` out of an output port, by its index in the descriptor. To filter is to emit nothing.
    pub fn emit(&mut self, port: u32, value: Value) -> Result<(), Error> {
        let v = value.into_raw();
        let status = unsafe { (calls().emit)(self.c, port, v) };
        if status == HEDDLE_OK {
            return Ok(());
        }
        drop(unsafe { Value::adopt(v) }); // still ours
        if status == HEDDLE_AGAIN {
            return Err(Error::new(Status::EXHAUSTED, format!("no room on output port {}", port)));
        }
        Err(Error::new(Status::of_failure(status), format!("cannot emit to output port {}", port)))
    }
    pub fn item(&self) -> Option<Item> {
        let mut raw = heddle_item { struct_size: size_of::<heddle_item>() as u32, attempt: 1, id: 0, sequence: 0, deadline_ns: 0 };
        if !unsafe { (calls().item)(self.c, &mut raw) } {
            return None;
        }
        Some(Item { id: raw.id, sequence: raw.sequence, attempt: raw.attempt, deadline_ns: raw.deadline_ns })
    }
    /// Nobody wants the answer any more.
    pub fn is_cancelled(&self) -> bool {
        unsafe { (ops().is_cancelled)(op_of(self.c)) }
    }
    /// How far it is, for whoever watches: an object with "percent" and "message".
    pub fn progress(&mut self, said: ValueRef<'_>) {
        unsafe { (calls().progress)(self.c, said.as_ptr()) }
    }
}

// The same handle (call.h).
pub(crate) fn op_of(c: *mut heddle_call) -> *mut heddle_op {
    c as *mut heddle_op
}

// `op` must be a pending op, which is complete after this.
pub(crate) unsafe fn complete(op: *mut heddle_op, outcome: Result<(), Error>) {
    match outcome {
        Ok(()) => (ops().complete)(op, HEDDLE_OK, null_mut(), heddle_str::of("")),
        Err(error) => {
            let details = error.code.and_then(|code| Value::text(code).and_then(|text| Value::map(vec![("code", text)])).ok());
            let details = details.map_or(null_mut(), Value::into_raw);
            (ops().complete)(op, error.status.number(), details, heddle_str::of(&error.why))
        }
    }
}
