// SPDX-License-Identifier: Apache-2.0
//! Prints the ABI as this crate has it, for the test that compares it with the headers: tests/e2e/rust_test.py.

fn main() {
    for m in heddle_plugin::abi::members() {
        println!("struct {} {} {} {} {}", m.owner, m.name.trim_start_matches("r#"), m.offset, m.size, m.declared.split_whitespace().collect::<String>());
    }
    for (name, value) in heddle_plugin::abi::constants() {
        println!("constant {} {}", name, value);
    }
}
