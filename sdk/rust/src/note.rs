// SPDX-License-Identifier: Apache-2.0
//! The ELF note (`heddle/note.h`), put together while the plugin is compiled: listing a plugin runs none of its code.

use crate::abi;

pub const NOTE_PLUGIN: u32 = abi::HEDDLE_NOTE_PLUGIN;
pub const NOTE_TYPE: u32 = abi::HEDDLE_NOTE_TYPE;

/// One record; `N` bytes of content, the NUL at the end among them.
#[repr(C, align(4))]
pub struct Note<const N: usize> {
    owner_size: u32,
    content_size: u32,
    kind: u32,
    owner: [u8; 8],
    pub content: [u8; N],
}

impl<const N: usize> Note<N> {
    pub const fn new(kind: u32, content: [u8; N]) -> Note<N> {
        Note { owner_size: abi::HEDDLE_NOTE_OWNER.len() as u32 + 1, content_size: N as u32, kind, owner: c_text(abi::HEDDLE_NOTE_OWNER), content }
    }
}

const fn size_of_all(parts: &[&str]) -> usize {
    let (mut size, mut i) = (1, 0);
    while i < parts.len() {
        size += parts[i].len();
        i += 1;
    }
    size
}

const fn joined<const N: usize>(parts: &[&str]) -> [u8; N] {
    let (mut out, mut at, mut i) = ([0; N], 0, 0);
    while i < parts.len() {
        let part = parts[i].as_bytes();
        let mut k = 0;
        while k < part.len() {
            assert!(part[k] != 0, "no NUL in the texts of a plugin");
            out[at] = part[k];
            at += 1;
            k += 1;
        }
        i += 1;
    }
    out
}

/// A text with NULs behind it.
pub const fn c_text<const N: usize>(text: &str) -> [u8; N] {
    joined(&[text])
}

const _: () = assert!(abi::HEDDLE_ABI_MAJOR == 1 && abi::ABI_MINOR == 0, "the note says abi 1.0");

const fn plugin_parts<'a>(name: &'a str, version: &'a str, license: &'a str, summary: &'a str) -> [&'a str; 9] {
    ["{\"plugin\":\"", name, "\",\"version\":\"", version, "\",\"abi\":[1,0],\"license\":\"", license, "\",\"summary\":\"", summary, "\"}"]
}
pub const fn plugin_text_size(name: &str, version: &str, license: &str, summary: &str) -> usize {
    size_of_all(&plugin_parts(name, version, license, summary))
}
pub const fn plugin_text<const N: usize>(name: &str, version: &str, license: &str, summary: &str) -> [u8; N] {
    joined(&plugin_parts(name, version, license, summary))
}

// How it works is the crate's to say: a `Node` has itself for itself in process().
const RULES: &str = "\",\"concurrency\":\"serial\",\"max_in_flight\":0,";

const fn descriptor_parts<'a>(name: &'a str, members: &'a str) -> [&'a str; 5] {
    ["{\"node\":\"", name, RULES, members, "}"]
}
pub const fn descriptor_size(name: &str, members: &str) -> usize {
    size_of_all(&descriptor_parts(name, members))
}
pub const fn descriptor<const N: usize>(name: &str, members: &str) -> [u8; N] {
    assert!(!says(members, "concurrency"), "a Node is serial: DESCRIPTOR does not say its \"concurrency\"");
    assert!(!says(members, "max_in_flight"), "a Node answers before process() returns: DESCRIPTOR does not say \"max_in_flight\"");
    assert!(!says(members, "node"), "the name of a Node is its NAME: DESCRIPTOR does not say \"node\"");
    assert!(says(members, "params"), "DESCRIPTOR says what the \"params\" are: a JSON Schema");
    joined(&descriptor_parts(name, members))
}

/// True if `members`, the inside of a JSON object, has a member of this name itself, not further inside.
const fn says(members: &str, name: &str) -> bool {
    let text = members.as_bytes();
    let (mut i, mut depth) = (0, 0);
    while i < text.len() {
        match text[i] {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            b'"' => {
                let start = i + 1;
                i = end_of_string(text, start);
                if depth == 0 && same(text, start, i, name.as_bytes()) && is_key(text, i) {
                    return true;
                }
            }
            _ => {}
        }
        i += 1;
    }
    false
}

const fn end_of_string(text: &[u8], start: usize) -> usize {
    let mut i = start;
    while i < text.len() && text[i] != b'"' {
        i += if text[i] == b'\\' { 2 } else { 1 };
    }
    i
}

const fn same(text: &[u8], start: usize, end: usize, name: &[u8]) -> bool {
    if end > text.len() || end - start != name.len() {
        return false;
    }
    let mut i = 0;
    while i < name.len() {
        if text[start + i] != name[i] {
            return false;
        }
        i += 1;
    }
    true
}

const fn is_key(text: &[u8], quote: usize) -> bool {
    let mut i = quote + 1;
    while i < text.len() && text[i].is_ascii_whitespace() {
        i += 1;
    }
    i < text.len() && text[i] == b':'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_members_of_the_object_itself_count() {
        let members = r#""summary": "say \"node\": or \\", "params" : {"properties": {"concurrency": {}}}, "outputs": ["max_in_flight"]"#;
        assert!(says(members, "params") && says(members, "outputs") && says(members, "summary"));
        assert!(!says(members, "concurrency") && !says(members, "max_in_flight") && !says(members, "node") && !says(members, "param"));
        assert!(!says("\"open", "open") && !says("\"\\", "x") && !says("", "x"));
    }

    #[test]
    fn a_descriptor_is_one_object_with_a_nul() {
        const SIZE: usize = descriptor_size("A", "\"params\":{}");
        let text: [u8; SIZE] = descriptor("A", "\"params\":{}");
        assert_eq!(&text[..], b"{\"node\":\"A\",\"concurrency\":\"serial\",\"max_in_flight\":0,\"params\":{}}\0");
    }
}
