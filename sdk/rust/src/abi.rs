// SPDX-License-Identifier: Apache-2.0
//! The headers `heddle/*.h`, as far as a node needs them, member for member and under their own names: what each means, who owns what and on
//! which thread it may be called stands there. A test compares names, offsets, sizes and signatures with the headers.
#![allow(non_camel_case_types)]

use std::ffi::c_void;
use std::mem::{size_of, MaybeUninit};
use std::os::raw::c_char;
use std::ptr::addr_of;

pub type heddle_id = u64;
pub type heddle_status = i32;
pub type heddle_kind = i32;
pub type heddle_memory = i32;
pub type heddle_free_fn = unsafe extern "C" fn(ctx: *mut c_void);

macro_rules! opaque {
    ($($name:ident)*) => { $(
        #[repr(C)]
        pub struct $name {
            nothing_to_see: [u8; 0],
        }
    )* };
}
opaque! { heddle_value heddle_buffer heddle_call heddle_op DLManagedTensorVersioned }

/// One member of a struct, for the test that compares.
pub struct Member {
    pub owner: &'static str,
    pub name: &'static str,
    pub offset: usize,
    pub size: usize,
    pub declared: &'static str,
}

fn size_behind<T>(_: *const T) -> usize {
    size_of::<T>()
}

// The structs, and with them what the test is told: no member can be left out of it.
macro_rules! mirrored {
    ($(pub struct $name:ident { $(pub $field:ident: $type:ty,)* })*) => {
        $(
            #[repr(C)]
            #[derive(Clone, Copy)]
            pub struct $name {
                $(pub $field: $type,)*
            }
        )*

        pub fn members() -> Vec<Member> {
            let mut all = Vec::new();
            $(
                let whole = MaybeUninit::<$name>::uninit();
                let start = whole.as_ptr();
                $({
                    // SAFETY: only an address inside of `whole` is taken; nothing is read.
                    let field = unsafe { addr_of!((*start).$field) };
                    all.push(Member {
                        owner: stringify!($name),
                        name: stringify!($field),
                        offset: field as usize - start as usize,
                        size: size_behind(field),
                        declared: stringify!($type),
                    });
                })*
            )*
            all
        }
    };
}

macro_rules! constants {
    ($(pub const $name:ident: $type:ty = $value:expr;)*) => {
        $(pub const $name: $type = $value;)*

        pub fn constants() -> Vec<(&'static str, String)> {
            vec![$((stringify!($name), $name.to_string()),)*]
        }
    };
}

constants! {
    pub const HEDDLE_ABI_MAJOR: u32 = 1;

    pub const HEDDLE_OK: heddle_status = 0;
    pub const HEDDLE_AGAIN: heddle_status = 1;
    pub const HEDDLE_CANCELLED: heddle_status = -1;
    pub const HEDDLE_INVALID: heddle_status = -2;
    pub const HEDDLE_NOT_FOUND: heddle_status = -3;
    pub const HEDDLE_CONFLICT: heddle_status = -4;
    pub const HEDDLE_DENIED: heddle_status = -5;
    pub const HEDDLE_UNAVAILABLE: heddle_status = -6;
    pub const HEDDLE_EXHAUSTED: heddle_status = -7;
    pub const HEDDLE_DEADLINE: heddle_status = -8;
    pub const HEDDLE_UNSUPPORTED: heddle_status = -9;
    pub const HEDDLE_INTERNAL: heddle_status = -10;
    pub const HEDDLE_IO: heddle_status = -11;

    pub const HEDDLE_NULL: heddle_kind = 0;
    pub const HEDDLE_BOOL: heddle_kind = 1;
    pub const HEDDLE_INT: heddle_kind = 2;
    pub const HEDDLE_FLOAT: heddle_kind = 3;
    pub const HEDDLE_DECIMAL: heddle_kind = 4;
    pub const HEDDLE_STRING: heddle_kind = 5;
    pub const HEDDLE_BYTES: heddle_kind = 6;
    pub const HEDDLE_LIST: heddle_kind = 7;
    pub const HEDDLE_MAP: heddle_kind = 8;
    pub const HEDDLE_TENSOR: heddle_kind = 9;

    pub const HEDDLE_NOTE_OWNER: &str = "heddle";
    pub const HEDDLE_NOTE_PLUGIN: u32 = 1;
    pub const HEDDLE_NOTE_TYPE: u32 = 2;

    pub const HEDDLE_VALUE: &str = "heddle.value/1";
    pub const HEDDLE_CALL: &str = "heddle.call/1";
    pub const HEDDLE_OP: &str = "heddle.op/1";
    pub const HEDDLE_KIND_NODE: &str = "heddle.node/1";
}

/// The lowest minor that a plugin of this crate needs.
pub const ABI_MINOR: u32 = 0;

// Slots that may be null are Options. What is not an Option the host fills in every minor of major 1.
mirrored! {
    pub struct heddle_str {
        pub ptr: *const c_char,
        pub len: usize,
    }

    pub struct heddle_view {
        pub struct_size: u32,
        pub memory: heddle_memory,
        pub device: i32,
        pub fd: i32,
        pub data: *const c_void,
        pub size: u64,
        pub fd_offset: u64,
    }

    pub struct heddle_host {
        pub struct_size: u32,
        pub abi_minor: u32,
        pub host_data: *mut c_void,
        pub name: heddle_str,
        pub version: heddle_str,
        pub owner: heddle_str,
        pub get_service: unsafe extern "C" fn(h: *const heddle_host, id: *const c_char) -> *const c_void,
        pub fail: unsafe extern "C" fn(h: *const heddle_host, st: heddle_status, why: heddle_str, details_or_null: *const heddle_value),
    }

    pub struct heddle_value_service {
        pub struct_size: u32,
        pub retain: unsafe extern "C" fn(v: *const heddle_value),
        pub release: unsafe extern "C" fn(v: *const heddle_value),
        pub kind: unsafe extern "C" fn(v: *const heddle_value) -> heddle_kind,
        pub get_bool: unsafe extern "C" fn(v: *const heddle_value, out: *mut bool) -> bool,
        pub get_int: unsafe extern "C" fn(v: *const heddle_value, out: *mut i64) -> bool,
        pub get_float: unsafe extern "C" fn(v: *const heddle_value, out: *mut f64) -> bool,
        pub get_text: unsafe extern "C" fn(v: *const heddle_value, out: *mut heddle_str) -> bool,
        pub get_view: unsafe extern "C" fn(v: *const heddle_value, out: *mut heddle_view) -> bool,
        pub length: unsafe extern "C" fn(v: *const heddle_value) -> usize,
        pub at: unsafe extern "C" fn(v: *const heddle_value, i: usize, key_or_null: *mut heddle_str) -> *const heddle_value,
        pub find: unsafe extern "C" fn(v: *const heddle_value, key: heddle_str) -> *const heddle_value,
        pub json: unsafe extern "C" fn(v: *const heddle_value, out: *mut heddle_str) -> bool,
        pub export_tensor: unsafe extern "C" fn(v: *const heddle_value, out: *mut *mut DLManagedTensorVersioned) -> bool,
        pub make_null: unsafe extern "C" fn(h: *const heddle_host) -> *mut heddle_value,
        pub make_bool: unsafe extern "C" fn(h: *const heddle_host, b: bool) -> *mut heddle_value,
        pub make_int: unsafe extern "C" fn(h: *const heddle_host, i: i64) -> *mut heddle_value,
        pub make_float: unsafe extern "C" fn(h: *const heddle_host, d: f64) -> *mut heddle_value,
        pub make_decimal: unsafe extern "C" fn(h: *const heddle_host, text: heddle_str) -> *mut heddle_value,
        pub make_string: unsafe extern "C" fn(h: *const heddle_host, utf8: heddle_str) -> *mut heddle_value,
        pub make_list: unsafe extern "C" fn(h: *const heddle_host, items: *const *mut heddle_value, n: usize) -> *mut heddle_value,
        pub make_map: unsafe extern "C" fn(h: *const heddle_host, keys: *const heddle_str, items: *const *mut heddle_value, n: usize) -> *mut heddle_value,
        pub make_json: unsafe extern "C" fn(h: *const heddle_host, json: heddle_str) -> *mut heddle_value,
        pub make_tensor: unsafe extern "C" fn(h: *const heddle_host, t: *mut DLManagedTensorVersioned) -> *mut heddle_value,
        pub alloc: unsafe extern "C" fn(h: *const heddle_host, size: u64, align: u32, writable: *mut *mut c_void) -> *mut heddle_buffer,
        pub wrap: unsafe extern "C" fn(h: *const heddle_host, view: *const heddle_view, free_fn: heddle_free_fn, ctx: *mut c_void) -> *mut heddle_buffer,
        pub make_bytes: unsafe extern "C" fn(h: *const heddle_host, b: *mut heddle_buffer, offset: u64, size: u64) -> *mut heddle_value,
        pub drop_buffer: unsafe extern "C" fn(b: *mut heddle_buffer),
    }

    pub struct heddle_item {
        pub struct_size: u32,
        pub attempt: u32,
        pub id: heddle_id,
        pub sequence: u64,
        pub deadline_ns: u64,
    }

    pub struct heddle_op_service {
        pub struct_size: u32,
        pub deadline_ns: unsafe extern "C" fn(op: *const heddle_op) -> u64,
        pub is_cancelled: unsafe extern "C" fn(op: *const heddle_op) -> bool,
        pub trace: unsafe extern "C" fn(op: *const heddle_op) -> heddle_str,
        pub complete: unsafe extern "C" fn(op: *mut heddle_op, status: heddle_status, result_or_null: *mut heddle_value, why: heddle_str),
    }

    pub struct heddle_call_service {
        pub struct_size: u32,
        pub op: unsafe extern "C" fn(c: *mut heddle_call) -> *mut heddle_op,
        pub port: unsafe extern "C" fn(c: *const heddle_call) -> u32,
        pub input: unsafe extern "C" fn(c: *const heddle_call) -> *const heddle_value,
        pub take: unsafe extern "C" fn(c: *mut heddle_call) -> *mut heddle_value,
        pub emit: unsafe extern "C" fn(c: *mut heddle_call, port: u32, v: *mut heddle_value) -> heddle_status,
        pub item: unsafe extern "C" fn(c: *const heddle_call, out: *mut heddle_item) -> bool,
        pub progress: unsafe extern "C" fn(c: *mut heddle_call, said: *const heddle_value),
    }

    pub struct heddle_object {
        pub activate: Option<unsafe extern "C" fn(self_: *mut c_void, op: *mut heddle_op)>,
        pub deactivate: Option<unsafe extern "C" fn(self_: *mut c_void, op: *mut heddle_op)>,
        pub destroy: unsafe extern "C" fn(self_: *mut c_void),
        pub get_extension: Option<unsafe extern "C" fn(self_: *mut c_void, id: *const c_char) -> *const c_void>,
    }

    pub struct heddle_node {
        pub struct_size: u32,
        pub base: heddle_object,
        pub process: unsafe extern "C" fn(self_: *mut c_void, calls: *const *mut heddle_call, n: u32),
        pub resume: Option<unsafe extern "C" fn(self_: *mut c_void, c: *mut heddle_call, port: u32)>,
        pub cancel: Option<unsafe extern "C" fn(self_: *mut c_void, c: *mut heddle_call)>,
        pub finish: Option<unsafe extern "C" fn(self_: *mut c_void, c: *mut heddle_call)>,
    }

    pub struct heddle_type {
        pub struct_size: u32,
        pub id: *const c_char,
        pub descriptor: *const c_char,
    }

    pub struct heddle_factory {
        pub struct_size: u32,
        pub count: unsafe extern "C" fn() -> u32,
        pub r#type: unsafe extern "C" fn(i: u32) -> *const heddle_type,
        pub create: unsafe extern "C" fn(h: *const heddle_host, type_id: *const c_char, config: *const heddle_value, self_: *mut *mut c_void, table: *mut *const c_void) -> heddle_status,
    }

    pub struct heddle_entry {
        pub struct_size: u32,
        pub abi_minor: u32,
        pub init: Option<unsafe extern "C" fn(h: *const heddle_host) -> heddle_status>,
        pub deinit: Option<unsafe extern "C" fn()>,
        pub get_factory: unsafe extern "C" fn(kind: *const c_char) -> *const c_void,
    }
}

// SAFETY: its texts are constants of the plugin.
unsafe impl Sync for heddle_type {}

impl heddle_str {
    /// Borrowed from `text`: of use as long as that lives.
    pub fn of(text: &str) -> heddle_str {
        heddle_str { ptr: text.as_ptr() as *const c_char, len: text.len() }
    }

    /// # Safety
    /// It must be empty, or point to `len` bytes of UTF-8 that live for `'a`.
    pub unsafe fn text<'a>(self) -> &'a str {
        if self.ptr.is_null() || self.len == 0 {
            return "";
        }
        std::str::from_utf8_unchecked(std::slice::from_raw_parts(self.ptr as *const u8, self.len))
    }
}
