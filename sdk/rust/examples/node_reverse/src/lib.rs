// SPDX-License-Identifier: Apache-2.0
//! Two node types: one that works on each item alone, one that remembers.

use heddle_plugin::{Call, Error, Node, Params, Value};

/// "to be or not" → "not or be to".
struct ReverseWords {
    separator: String,
    at_most: usize,
}

impl Node for ReverseWords {
    const NAME: &'static str = "ReverseWords";
    const DESCRIPTOR: &'static str = r#""summary":"Turns the words of a text around","stateless":true,"create_is_pure":true,
        "params":{"type":"object","properties":{
            "separator":{"type":"string","default":" ","description":"What stands between words"},
            "at_most":{"type":"integer","minimum":1,"default":1000,"description":"How many words an item may have"}},"additionalProperties":false}"#;

    fn new(params: Params<'_>) -> Result<Self, Error> {
        let separator = params.text("separator")?.unwrap_or(" ").to_string();
        if separator.is_empty() {
            return Err(Error::invalid("the param \"separator\" is empty: say what stands between words"));
        }
        Ok(ReverseWords { separator, at_most: params.int("at_most")?.unwrap_or(1000) as usize })
    }

    fn process(&mut self, call: &mut Call<'_>) -> Result<(), Error> {
        let input = call.input().ok_or_else(|| Error::invalid("ReverseWords needs an input"))?;
        let text = input.as_text().ok_or_else(|| Error::invalid(format!("ReverseWords takes a text; this is {}", input.kind().name())).code("not-a-text"))?;
        let words: Vec<&str> = text.split(self.separator.as_str()).collect();
        if words.len() > self.at_most {
            return Err(Error::invalid(format!("{} words, and \"at_most\" is {}", words.len(), self.at_most)));
        }
        let turned: Vec<&str> = words.into_iter().rev().collect();
        let turned = Value::text(&turned.join(&self.separator))?;
        call.emit(0, turned)
    }
}

/// Passes every item on, and at the end says how many of which kind there were.
#[derive(Default)]
struct CountKinds {
    counts: Vec<(&'static str, i64)>,
}

impl Node for CountKinds {
    const NAME: &'static str = "CountKinds";
    const DESCRIPTOR: &'static str = r#""summary":"Counts items by their kind","outputs":[{"name":"out"},{"name":"counts"}],
        "params":{"type":"object","additionalProperties":false}"#;

    fn new(_: Params<'_>) -> Result<Self, Error> {
        Ok(CountKinds::default())
    }

    fn process(&mut self, call: &mut Call<'_>) -> Result<(), Error> {
        let kind = call.input().ok_or_else(|| Error::invalid("CountKinds needs an input"))?.kind().name();
        match self.counts.iter_mut().find(|(name, _)| *name == kind) {
            Some((_, n)) => *n += 1,
            None => self.counts.push((kind, 1)),
        }
        match call.take() {
            Some(input) => call.emit(0, input),
            None => Ok(()),
        }
    }

    fn finish(&mut self, call: &mut Call<'_>) -> Result<(), Error> {
        let members: Result<Vec<_>, Error> = self.counts.iter().map(|(name, n)| Ok((*name, Value::int(*n)?))).collect();
        call.emit(1, Value::map(members?)?)
    }
}

heddle_plugin::plugin! {
    name: "node_reverse",
    version: "1.0.0",
    license: "Apache-2.0",
    summary: "Words turned around, and kinds counted: a plugin in Rust",
    nodes: [ReverseWords, CountKinds],
}
