// SPDX-License-Identifier: Apache-2.0
//! The door of a plugin: its one symbol, its notes, its factory.

use std::ffi::{c_void, CStr};
use std::os::raw::c_char;
use std::ptr::null;

use crate::abi::*;
use crate::error::{Error, Status};
use crate::host::told;

/// One node type of a plugin.
pub struct Type {
    pub abi: heddle_type,
    pub create: unsafe extern "C" fn(*const heddle_host, *const heddle_value, *mut *mut c_void, *mut *const c_void) -> heddle_status,
}

pub fn type_at(types: &'static [Type], i: u32) -> *const heddle_type {
    types.get(i as usize).map_or(null(), |found| &found.abi)
}

/// # Safety
/// `kind` must be a text that ends with a NUL.
pub unsafe fn is_node_kind(kind: *const c_char) -> bool {
    CStr::from_ptr(kind).to_bytes() == HEDDLE_KIND_NODE.as_bytes()
}

/// # Safety
/// As the host calls `heddle_factory::create`.
pub unsafe fn create_one(
    types: &'static [Type],
    h: *const heddle_host,
    id: *const c_char,
    config: *const heddle_value,
    self_: *mut *mut c_void,
    table: *mut *const c_void,
) -> heddle_status {
    for found in types {
        if CStr::from_ptr(found.abi.id) == CStr::from_ptr(id) {
            return (found.create)(h, config, self_, table);
        }
    }
    told(h, Err(Error::new(Status::NOT_FOUND, "the plugin has no such node type")))
}

/// Makes the crate a plugin, once:
/// `heddle_plugin::plugin! { name: "node_acme", version: "1.4.2", license: "MIT", summary: "Cuts and glues", nodes: [Cut, Glue] }`
///
/// The texts go into a JSON text as they are: no quotes, no backslashes.
#[macro_export]
macro_rules! plugin {
    (name: $name:expr, version: $version:expr, license: $license:expr, summary: $summary:expr, nodes: [$($node:ty),+ $(,)?] $(,)?) => {
        #[cfg(not(panic = "unwind"))]
        compile_error!("a heddle plugin is built with panic=unwind: a panic is a failed item, and must not end the host");

        const _: () = {
            use $crate::{abi, detail, Node};
            use ::std::os::raw::{c_char, c_void};

            #[used]
            #[link_section = ".note.heddle"]
            static PLUGIN: detail::Note<{ detail::plugin_text_size($name, $version, $license, $summary) }> =
                detail::Note::new(detail::NOTE_PLUGIN, detail::plugin_text($name, $version, $license, $summary));

            // Each type's descriptor is the text of its note itself: they cannot differ.
            static TYPES: &[detail::Type] = &[$({
                const NAME: &str = <$node as Node>::NAME;
                const MEMBERS: &str = <$node as Node>::DESCRIPTOR;
                #[used]
                #[link_section = ".note.heddle"]
                static NOTE: detail::Note<{ detail::descriptor_size(NAME, MEMBERS) }> = detail::Note::new(detail::NOTE_TYPE, detail::descriptor(NAME, MEMBERS));
                static ID: [u8; NAME.len() + 1] = detail::c_text(NAME);
                detail::Type {
                    abi: abi::heddle_type {
                        struct_size: ::std::mem::size_of::<abi::heddle_type>() as u32,
                        id: &ID as *const u8 as *const c_char,
                        descriptor: &NOTE.content as *const u8 as *const c_char,
                    },
                    create: detail::create::<$node>,
                }
            }),+];

            unsafe extern "C" fn count() -> u32 {
                TYPES.len() as u32
            }
            unsafe extern "C" fn type_at(i: u32) -> *const abi::heddle_type {
                detail::type_at(TYPES, i)
            }
            unsafe extern "C" fn create(h: *const abi::heddle_host, id: *const c_char, config: *const abi::heddle_value, self_: *mut *mut c_void, table: *mut *const c_void) -> abi::heddle_status {
                detail::create_one(TYPES, h, id, config, self_, table)
            }
            static FACTORY: abi::heddle_factory =
                abi::heddle_factory { struct_size: ::std::mem::size_of::<abi::heddle_factory>() as u32, count, r#type: type_at, create };

            unsafe extern "C" fn get_factory(kind: *const c_char) -> *const c_void {
                if detail::is_node_kind(kind) { &FACTORY as *const abi::heddle_factory as *const c_void } else { ::std::ptr::null() }
            }

            #[no_mangle]
            #[allow(non_upper_case_globals)]
            pub static heddle_entry_v1: abi::heddle_entry = abi::heddle_entry {
                struct_size: ::std::mem::size_of::<abi::heddle_entry>() as u32,
                abi_minor: abi::ABI_MINOR,
                init: Some(detail::init),
                deinit: None,
                get_factory,
            };
        };
    };
}
