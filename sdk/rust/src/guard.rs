// SPDX-License-Identifier: Apache-2.0
//! The border: no panic leaves a function that the host has called. It becomes a failure that says where it was.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};

use crate::error::{Error, Status};

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    static WHERE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Runs `work`. A state that a panic leaves half-changed is the plugin's own affair: the next call sees it.
pub fn guard<R>(work: impl FnOnce() -> Result<R, Error>) -> Result<R, Error> {
    DEPTH.with(|depth| depth.set(depth.get() + 1));
    let outcome = panic::catch_unwind(AssertUnwindSafe(work));
    DEPTH.with(|depth| depth.set(depth.get() - 1));
    outcome.unwrap_or_else(|payload| {
        let place = WHERE.with(|place| place.take());
        Err(Error::new(Status::INTERNAL, format!("the plugin panicked{}: {}", place, said(payload))).code("panic"))
    })
}

fn said(payload: Box<dyn Any + Send>) -> String {
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => match payload.downcast::<&'static str>() {
            Ok(text) => text.to_string(),
            Err(payload) => {
                std::mem::forget(payload); // its drop may panic, too
                "no text".to_string()
            }
        },
    }
}

/// What panics under a guard is not printed: the failure tells it. Threads of the plugin's own print as always. Rust's library is linked
/// into each plugin, so this changes nothing for others.
pub fn listen() {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if DEPTH.try_with(|depth| depth.get() == 0).unwrap_or(true) {
            return before(info);
        }
        if let Some(at) = info.location() {
            let place = format!(" at {}:{}:{}", at.file(), at.line(), at.column());
            let _ = WHERE.try_with(|kept| kept.replace(place));
        }
    }));
}
