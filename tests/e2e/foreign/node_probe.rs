//! What the example does not show: every kind of value through the safe layer, and panics wherever a plugin can panic.

use heddle_plugin::{Call, Error, Kind, Node, Params, Status, Value, ValueRef};

struct Bomb;
impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

struct Probe {
    at_end: bool,
    calls: i64,
}

impl Node for Probe {
    const NAME: &'static str = "Probe";
    const DESCRIPTOR: &'static str = r#""params":{"type":"object","properties":{"panic":{"enum":["create","activate","finish","destroy"]}},"additionalProperties":false}"#;

    fn new(params: Params<'_>) -> Result<Self, Error> {
        match params.text("panic")? {
            Some("create") => panic!("in create"),
            Some("destroy") => Ok(Probe { at_end: true, calls: 0 }),
            Some("activate") => Ok(Probe { at_end: false, calls: -1 }),
            Some("finish") => Ok(Probe { at_end: false, calls: i64::MIN }),
            _ => Ok(Probe { at_end: false, calls: 0 }),
        }
    }

    fn activate(&mut self) -> Result<(), Error> {
        assert!(self.calls != -1, "in activate");
        Ok(())
    }

    fn process(&mut self, call: &mut Call<'_>) -> Result<(), Error> {
        let input = call.input().ok_or_else(|| Error::invalid("no input"))?;
        let wanted = input.find("do").and_then(ValueRef::as_text).unwrap_or("look").to_string();
        match wanted.as_str() {
            "look" => {
                let seen = look(input)?;
                call.emit(0, seen)
            }
            "filter" => Ok(()),
            "bytes" => {
                let bytes = Value::bytes(&[0, 1, 255])?;
                assert_eq!(bytes.get().as_bytes(), Some(&[0, 1, 255][..]));
                assert_eq!(Value::bytes(&[])?.get().as_bytes(), Some(&[][..]));
                call.emit(0, bytes)
            }
            "envelope" => {
                let item = call.item().ok_or_else(|| Error::invalid("no envelope"))?;
                assert!(!call.is_cancelled() && call.port() == 0 && item.attempt == 1);
                let said = Value::map(vec![("percent", Value::int(50)?)])?;
                call.progress(said.get());
                let first = call.take().ok_or_else(|| Error::invalid("nothing to take"))?;
                assert!(call.input().is_none() && call.take().is_none());
                call.emit(0, Value::list(vec![Value::int(item.sequence as i64)?, first.clone(), first])?)
            }
            "wrong port" => {
                let seen = look(input)?;
                call.emit(7, seen)
            }
            "twice the same key" => Value::map(vec![("a", look(input)?), ("a", look(input)?)]).map(|_| ()),
            "not a number" => Value::float(f64::NAN).map(|_| ()),
            "not JSON" => Value::json("{").map(|_| ()),
            "unavailable" => Err(Error::new(Status::UNAVAILABLE, "the other side sleeps").code("sleeps")),
            "panic" => {
                let _held = look(input)?;
                panic!("{} is no good", wanted)
            }
            "panic with a bomb" => std::panic::panic_any(Bomb),
            other => Err(Error::invalid(format!("the probe does not know \"{}\"", other))),
        }
    }

    fn finish(&mut self, _: &mut Call<'_>) -> Result<(), Error> {
        assert!(self.calls != i64::MIN, "in finish");
        Ok(())
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        assert!(!self.at_end, "in destroy");
    }
}

/// The same value, taken apart and put together again.
fn look(v: ValueRef<'_>) -> Result<Value, Error> {
    match v.kind() {
        Kind::Null => Value::null(),
        Kind::Bool => Value::bool(v.as_bool() == Some(true)),
        Kind::Int => Value::int(v.as_int().unwrap_or(0)),
        Kind::Float => Value::float(v.as_float().unwrap_or(0.0)),
        Kind::Decimal => Value::decimal(v.as_text().unwrap_or("")),
        Kind::String => Value::text(v.as_text().unwrap_or("")),
        Kind::List => (0..v.len()).filter_map(|i| v.at(i)).map(look).collect::<Result<Vec<_>, _>>().and_then(Value::list),
        Kind::Map => (0..v.len()).filter_map(|i| v.member(i)).map(|(key, of)| Ok((key, look(of)?))).collect::<Result<Vec<_>, _>>().and_then(Value::map),
        _ => Value::json(v.json()?),
    }
}

heddle_plugin::plugin! { name: "node_probe", version: "0.1.0", license: "Apache-2.0", summary: "What a plugin in Rust can do", nodes: [Probe] }
