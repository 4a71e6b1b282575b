//! Amounts of CPU, memory and devices as Kubernetes writes them.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::read::{Wire, scalar};
use crate::model::{parse_bytes, parse_cpu_milli};
use crate::policy::finding::Findings;
use crate::policy::node::Node;

fn read(
    node: &Node,
    what: &str,
    unit: &str,
    parse: fn(&str) -> Result<i64, String>,
    out: &mut Findings,
) -> Option<i64> {
    let text = scalar(node, what, out)?;
    if text.plain && text.text.parse::<f64>().is_ok() && !text.text.bytes().all(|byte| byte.is_ascii_digit()) {
        out.error("unquoted-fraction", node.span, format!("found {}, expected {what}", node.found()))
            .help(format!("write it in quotes, `\"{}\"`, or in a smaller unit, such as `{unit}`", text.text));
        return None;
    }
    match parse(&text.text) {
        Ok(amount) if amount >= 0 => Some(amount),
        Ok(_) => {
            out.error("out-of-range", node.span, format!("`{}` is negative", text.text)).help("write 0 or more");
            None
        }
        Err(error) => {
            out.error("bad-quantity", node.span, error).help(format!("write it like `{unit}`"));
            None
        }
    }
}

fn schema(description: &str) -> Schema {
    json_schema!({
        "description": description,
        "x-kubernetes-int-or-string": true,
        "anyOf": [
            { "type": "integer", "minimum": 0 },
            { "type": "string", "pattern": r"^\+?([0-9]+(\.[0-9]*)?|\.[0-9]+)([kKMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?$" },
        ],
    })
}

/// CPU in millicores.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Millicores(pub i64);

impl Wire for Millicores {
    fn read(node: &Node, out: &mut Findings) -> Option<Self> {
        read(node, "an amount of CPU such as `2` or `500m`", "500m", parse_cpu_milli, out).map(Self)
    }
}

impl JsonSchema for Millicores {
    fn schema_name() -> Cow<'static, str> {
        "Cpu".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schema("CPU as Kubernetes writes it: `2`, `500m`; fractions in quotes")
    }
}

/// Memory in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bytes(pub i64);

impl Wire for Bytes {
    fn read(node: &Node, out: &mut Findings) -> Option<Self> {
        read(node, "an amount of memory such as `8Gi`", "8Gi", parse_bytes, out).map(Self)
    }
}

impl JsonSchema for Bytes {
    fn schema_name() -> Cow<'static, str> {
        "Memory".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schema("Memory as Kubernetes writes it: `8Gi`, `500M`; fractions in quotes")
    }
}
