// SPDX-License-Identifier: Apache-2.0
//! The host's tables, as init has found them.

use std::mem::size_of;
use std::os::raw::c_char;
use std::sync::atomic::{AtomicPtr, Ordering};

use crate::abi::*;
use crate::error::{Error, Status};
use crate::guard::{guard, listen};
use crate::note::c_text;

static HOST: AtomicPtr<heddle_host> = AtomicPtr::new(std::ptr::null_mut());
static VALUES: AtomicPtr<heddle_value_service> = AtomicPtr::new(std::ptr::null_mut());
static CALLS: AtomicPtr<heddle_call_service> = AtomicPtr::new(std::ptr::null_mut());
static OPS: AtomicPtr<heddle_op_service> = AtomicPtr::new(std::ptr::null_mut());

/// The plugin's own, which lives until the process ends.
pub fn host() -> *const heddle_host {
    HOST.load(Ordering::Acquire)
}

fn table<T>(kept: &AtomicPtr<T>) -> &'static T {
    let table = kept.load(Ordering::Acquire);
    assert!(!table.is_null(), "values and calls are there once the host has called init");
    // SAFETY: init has set it to a table of the host, which lives as long as the plugin.
    unsafe { &*table }
}
pub fn values() -> &'static heddle_value_service {
    table(&VALUES)
}
pub fn calls() -> &'static heddle_call_service {
    table(&CALLS)
}
pub fn ops() -> &'static heddle_op_service {
    table(&OPS)
}

const VALUE: [u8; HEDDLE_VALUE.len() + 1] = c_text(HEDDLE_VALUE);
const CALL: [u8; HEDDLE_CALL.len() + 1] = c_text(HEDDLE_CALL);
const OP: [u8; HEDDLE_OP.len() + 1] = c_text(HEDDLE_OP);

// A table begins with its size; `id` ends with a NUL.
unsafe fn fetch<T>(h: *const heddle_host, id: &[u8], kept: &AtomicPtr<T>) -> bool {
    let found = ((*h).get_service)(h, id.as_ptr() as *const c_char) as *mut T;
    if found.is_null() || (*(found as *const u32) as usize) < size_of::<T>() {
        return false;
    }
    kept.store(found, Ordering::Release);
    true
}

/// `heddle_entry::init` of every plugin.
///
/// # Safety
/// `h` must be the host's table for this plugin.
pub unsafe extern "C" fn init(h: *const heddle_host) -> heddle_status {
    HOST.store(h as *mut heddle_host, Ordering::Release);
    let all = fetch(h, &VALUE, &VALUES) && fetch(h, &CALL, &CALLS) && fetch(h, &OP, &OPS);
    let outcome = guard(|| {
        if !all {
            return Err(Error::new(Status::UNSUPPORTED, "the plugin needs heddle.value/1, heddle.call/1 and heddle.op/1 of ABI 1.0: run it with a newer heddle"));
        }
        listen();
        Ok(())
    });
    told(h, outcome)
}

/// The outcome as a status, its reason given to the host.
///
/// # Safety
/// `h` must be a table that the host has given to the current call.
pub unsafe fn told(h: *const heddle_host, outcome: Result<(), Error>) -> heddle_status {
    match outcome {
        Ok(()) => HEDDLE_OK,
        Err(error) => {
            ((*h).fail)(h, error.status.number(), heddle_str::of(&error.why), std::ptr::null());
            error.status.number()
        }
    }
}
