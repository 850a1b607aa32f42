// SPDX-License-Identifier: Apache-2.0
//! From a type to the table of functions that the host calls.

use std::ffi::c_void;
use std::marker::PhantomData;
use std::mem::size_of;

use crate::abi::*;
use crate::call::{complete, op_of, Call};
use crate::error::Error;
use crate::guard::guard;
use crate::host::told;
use crate::params::Params;
use crate::value::ValueRef;

/// A node type. The host calls one method of an object at a time, on changing threads. A panic in any of them is a failure with its place
/// and text; in `process`, of that item alone. Drop ends the object.
pub trait Node: Sized + Send + 'static {
    /// The name that manifests use.
    const NAME: &'static str;
    /// The members of the descriptor (`heddle/node.h`): JSON without the braces. "params" is required; "node", "concurrency" and
    /// "max_in_flight" are the crate's to say.
    const DESCRIPTOR: &'static str;

    fn new(params: Params<'_>) -> Result<Self, Error>;
    fn process(&mut self, call: &mut Call<'_>) -> Result<(), Error>;

    /// Loads, connects; may block.
    fn activate(&mut self) -> Result<(), Error> {
        Ok(())
    }
    /// All inputs have ended: emit what is still held.
    fn finish(&mut self, _call: &mut Call<'_>) -> Result<(), Error> {
        Ok(())
    }
}

struct Table<T>(PhantomData<T>);

impl<T: Node> Table<T> {
    const NODE: &'static heddle_node = &heddle_node {
        struct_size: size_of::<heddle_node>() as u32,
        base: heddle_object { activate: Some(activate::<T>), deactivate: None, destroy: destroy::<T>, get_extension: None },
        process: process::<T>,
        resume: None,
        cancel: None,
        finish: Some(finish::<T>),
    };
}

// SAFETY, of all below: `self_` is what `create` has made, and the host calls one function of an object at a time ("serial").

unsafe extern "C" fn activate<T: Node>(self_: *mut c_void, op: *mut heddle_op) {
    let outcome = guard(|| (*(self_ as *mut T)).activate());
    complete(op, outcome);
}

unsafe extern "C" fn process<T: Node>(self_: *mut c_void, calls: *const *mut heddle_call, n: u32) {
    for i in 0..n as usize {
        let c = *calls.add(i);
        let outcome = guard(|| (*(self_ as *mut T)).process(&mut Call::new(c)));
        complete(op_of(c), outcome);
    }
}

unsafe extern "C" fn finish<T: Node>(self_: *mut c_void, c: *mut heddle_call) {
    let outcome = guard(|| (*(self_ as *mut T)).finish(&mut Call::new(c)));
    complete(op_of(c), outcome);
}

unsafe extern "C" fn destroy<T: Node>(self_: *mut c_void) {
    // There is nobody to tell: destroy cannot fail.
    let _ = guard(|| {
        drop(Box::from_raw(self_ as *mut T));
        Ok(())
    });
}

/// As `heddle_factory::create`, for one type.
///
/// # Safety
/// As the host calls it.
pub unsafe extern "C" fn create<T: Node>(h: *const heddle_host, config: *const heddle_value, self_: *mut *mut c_void, table: *mut *const c_void) -> heddle_status {
    let made = guard(|| {
        let params = ValueRef::borrow(config).ok_or_else(|| Error::invalid("a node is made from params, and there are none"))?;
        let node = Box::new(T::new(Params::new(params))?);
        *self_ = Box::into_raw(node) as *mut c_void;
        *table = Table::<T>::NODE as *const heddle_node as *const c_void;
        Ok(())
    });
    told(h, made)
}
