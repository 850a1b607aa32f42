// SPDX-License-Identifier: Apache-2.0
//! Node plugins for heddle in Rust: the C ABI of `heddle/*.h` as it is, and a safe layer over it.
//!
//! A plugin is a `cdylib` with types that implement [`Node`], and [`plugin!`] once.

#[cfg(not(target_os = "linux"))]
compile_error!("heddle plugins are ELF files for Linux");

pub mod abi;
mod call;
mod error;
mod guard;
mod host;
mod node;
mod note;
mod params;
mod plugin;
mod value;

pub use call::{Call, Item};
pub use error::{Error, Status};
pub use node::Node;
pub use params::Params;
pub use value::{Kind, Value, ValueRef};

/// What [`plugin!`] is written with; promises nothing to others.
#[doc(hidden)]
pub mod detail {
    pub use crate::host::init;
    pub use crate::node::create;
    pub use crate::note::{c_text, descriptor, descriptor_size, plugin_text, plugin_text_size, Note, NOTE_PLUGIN, NOTE_TYPE};
    pub use crate::plugin::{create_one, is_node_kind, type_at, Type};
}
