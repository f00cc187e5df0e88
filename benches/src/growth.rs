//! Messages in which one construct of the language is repeated as often as asked for: what an attacker would send.

/// A value, to be spelled in either encoding; keys may stand in any order, and twice.
#[derive(Clone, Debug)]
pub enum Value {
    /// As JSON has it, for what CBOR has no word for: white space, escapes, decimals.
    Json(String),
    /// An integer.
    Integer(u64),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Self>),
    /// A map.
    Map(Vec<(String, Self)>),
}

impl Value {
    /// The value in JSON.
    pub fn json(&self, out: &mut Vec<u8>) {
        let joined = |out: &mut Vec<u8>, open: u8, close: u8, count: usize, each: &dyn Fn(usize, &mut Vec<u8>)| {
            out.push(open);
            for index in 0..count {
                if index > 0 {
                    out.push(b',');
                }
                each(index, out);
            }
            out.push(close);
        };
        match self {
            Self::Json(json) => out.extend(json.as_bytes()),
            Self::Integer(integer) => out.extend(integer.to_string().bytes()),
            Self::Text(text) => out.extend(format!("\"{text}\"").bytes()),
            Self::List(items) => joined(out, b'[', b']', items.len(), &|at, out| {
                items.get(at).into_iter().for_each(|item| item.json(out));
            }),
            Self::Map(fields) => joined(out, b'{', b'}', fields.len(), &|at, out| {
                if let Some((key, value)) = fields.get(at) {
                    out.extend(format!("\"{key}\":").bytes());
                    value.json(out);
                }
            }),
        }
    }

    /// The value in CBOR with names; `None` for what is of JSON alone.
    pub fn cbor(&self, out: &mut Vec<u8>) -> Option<()> {
        let head = |out: &mut Vec<u8>, major: u8, length: usize| {
            out.push((major << 5) | 26);
            out.extend((length as u32).to_be_bytes());
        };
        match self {
            Self::Json(_) => return None,
            Self::Integer(integer) => {
                out.push(27);
                out.extend(integer.to_be_bytes());
            }
            Self::Text(text) => short_text(out, text),
            Self::List(items) => {
                head(out, 4, items.len());
                items.iter().try_for_each(|item| item.cbor(out))?;
            }
            Self::Map(fields) => {
                head(out, 5, fields.len());
                for (key, value) in fields {
                    short_text(out, key);
                    value.cbor(out)?;
                }
            }
        }
        Some(())
    }
}

fn short_text(out: &mut Vec<u8>, text: &str) {
    match text.len() {
        length @ 0..24 => out.push(0x60 | length as u8),
        length => {
            out.push(0x7A);
            out.extend((length as u32).to_be_bytes());
        }
    }
    out.extend(text.bytes());
}

fn text(text: impl Into<String>) -> Value {
    Value::Text(text.into())
}

fn map<const N: usize>(fields: [(&str, Value); N]) -> Value {
    Value::Map(fields.into_iter().map(|(key, value)| (key.into(), value)).collect())
}

fn empty() -> Value {
    Value::Map(Vec::new())
}

fn keys(numbers: impl Iterator<Item = usize>, before: &str, value: &Value) -> Value {
    Value::Map(numbers.map(|number| (format!("{before}{number:05}"), value.clone())).collect())
}

fn texts(numbers: impl Iterator<Item = usize>, before: &str) -> Value {
    Value::List(numbers.map(|number| text(format!("{before}{number:05}"))).collect())
}

/// Maps of 200 fields whose order an attacker chose.
fn maps(n: usize, before: &str, order: fn(usize) -> usize) -> Value {
    Value::List((0..n / 200).map(|_| keys((0..200).map(order), before, &Value::Integer(1))).collect())
}

fn message(more: Vec<(String, Value)>, content: Value) -> Value {
    let mut headers = vec![("request_id".into(), text("r")), ("from".into(), text("p"))];
    headers.extend(more);
    map([("headers", Value::Map(headers)), ("body", map([("openc2", content)]))])
}

fn command(fields: Vec<(&str, Value)>) -> Value {
    let fields = fields.into_iter().map(|(key, value)| (key.into(), value)).collect();
    message(Vec::new(), map([("request", Value::Map(fields))]))
}

fn target(name: &str, value: Value) -> Value {
    command(vec![("action", text("deny")), ("target", map([(name, value)]))])
}

fn args(args: Value) -> Value {
    command(vec![("action", text("deny")), ("target", map([("ipv4_net", text("192.0.2.1"))])), ("args", args)])
}

fn results(results: Value) -> Value {
    message(Vec::new(), map([("response", map([("status", Value::Integer(200)), ("results", results)]))]))
}

fn result(name: &str, value: Value) -> Value {
    results(map([(name, value)]))
}

fn headers(more: Value) -> Value {
    let Value::Map(more) = more else { return more };
    message(
        more,
        map([("request", map([("action", text("query")), ("target", map([("features", Value::List(Vec::new()))]))]))]),
    )
}

fn hostnames(n: usize, label: &str) -> String {
    vec![label; n].join(".")
}

/// A construct's name, and the message in which it is repeated so often.
pub type Construct = (&'static str, fn(usize) -> Value);

/// Every construct: its name, and the message in which it is repeated so often.
pub const CONSTRUCTS: &[Construct] = &[
    ("headers, ascending", |n| headers(keys(0..n, "", &text("")))),
    ("headers, descending", |n| headers(keys((0..n).rev(), "", &text("")))),
    ("headers, one twice at the end", |n| headers(keys((0..n).chain([n / 2]), "", &text("")))),
    ("a header's map", |n| headers(map([("x", keys(0..n, "", &Value::Integer(1)))]))),
    ("recipients", |n| headers(map([("to", texts(0..n, ""))]))),
    ("recipients, all the same", |n| headers(map([("to", texts((0..n).map(|_| 7), ""))]))),
    ("arguments of profiles, ascending", |n| args(keys(0..n, "x-", &empty()))),
    ("arguments of profiles, descending", |n| args(keys((0..n).rev(), "x-", &empty()))),
    ("results of profiles", |n| results(keys(0..n, "x-", &empty()))),
    ("fields, ascending", |n| args(map([("x-a", keys(0..n, "", &Value::Integer(1)))]))),
    ("fields, descending", |n| args(map([("x-a", keys((0..n).rev(), "", &Value::Integer(1)))]))),
    ("maps of 200 fields, scattered", |n| args(map([("x-a", map([("b", maps(n, "", |at| at * 77 % 200))]))]))),
    ("maps of 200 fields, descending", |n| args(map([("x-a", map([("b", maps(n, "", |at| 199 - at))]))]))),
    ("maps of 200 fields, alike for long", |n| {
        args(map([("x-a", map([("b", maps(n, "a long name that they share ", |at| at * 77 % 200))]))]))
    }),
    ("maps of 200 fields, escapes alike for long", |n| {
        let Value::List(maps) = maps(n, &r"\u0061".repeat(30), |at| at * 77 % 200) else { return empty() };
        let mut json = Vec::new();
        Value::List(maps).json(&mut json);
        args(map([("x-a", map([("b", Value::Json(String::from_utf8(json).unwrap_or_default()))]))]))
    }),
    ("maps", |n| args(map([("x-a", map([("b", Value::List(vec![empty(); n]))]))]))),
    ("lists", |n| args(map([("x-a", map([("b", Value::List(vec![Value::List(Vec::new()); n]))]))]))),
    ("numbers", |n| args(map([("x-a", map([("b", Value::List(vec![Value::Integer(7); n]))]))]))),
    ("versions", |n| result("versions", texts(0..n, "1."))),
    ("versions, descending", |n| result("versions", texts((0..n).rev(), "1."))),
    ("profiles", |n| result("profiles", texts(0..n, "x-"))),
    ("targets of an action", |n| result("pairs", map([("deny", texts(0..n, "x-a:"))]))),
    ("targets of an action, descending", |n| result("pairs", map([("deny", texts((0..n).rev(), "x-a:"))]))),
    ("pairs of profiles", |n| result("pairs", keys(0..n, "x-", &map([("deny", Value::List(vec![text("uri")]))])))),
    ("properties", |n| target("properties", texts(0..n, ""))),
    ("properties, descending", |n| target("properties", texts((0..n).rev(), ""))),
    ("features, again and again", |n| target("features", Value::List(vec![text("versions"); n]))),
    ("parts of an asset", |n| {
        let asset = map([("slpf", map([("asset_tuple", texts(0..n, ""))]))]);
        let target = map([("ipv4_net", text("192.0.2.1"))]);
        command(vec![("action", text("deny")), ("target", target), ("actuator", asset)])
    }),
    ("ancestors of a process", |n| {
        let parent = (0..8).fold(map([("pid", Value::Integer(1))]), |parent, _| {
            map([("name", text("n".repeat(n))), ("parent", parent)])
        });
        target("process", parent)
    }),
    ("fields of a notification", |n| message(Vec::new(), map([("notification", keys(0..n, "", &Value::Integer(1)))]))),
    ("text", |n| headers(map([("to", Value::List(vec![text("abcdefgh".repeat(n))]))]))),
    ("text beyond ASCII", |n| headers(map([("to", Value::List(vec![text("é€😀".repeat(n))]))]))),
    ("text, now and then beyond ASCII", |n| {
        headers(map([("to", Value::List(vec![text("a text, and one é in it. ".repeat(n / 2))]))]))
    }),
    ("a name beyond ASCII", |n| headers(keys(0..1, &"é".repeat(n), &text("")))),
    ("escapes", |n| headers(map([("to", Value::Json(format!("[\"{}\"]", r"a\n\u00e9".repeat(n))))]))),
    ("names with escapes, ascending", |n| headers(keys(0..n, r"\u0061", &Value::Json("1".into())))),
    ("names with escapes, descending", |n| headers(keys((0..n).rev(), r"\u0061", &Value::Json("1".into())))),
    ("binary", |n| target("artifact", map([("payload", map([("bin", text("QUJDREVG".repeat(n)))]))]))),
    ("binary with escapes", |n| {
        target(
            "artifact",
            map([("payload", map([("bin", Value::Json(format!("\"{}\"", r"QUJD\u0041EVG".repeat(n))))]))]),
        )
    }),
    ("a hash", |n| target("file", map([("hashes", map([("md5", text("00112233".repeat(n)))]))]))),
    ("a resource", |n| target("uri", text(format!("a:{}", "b/%20c/".repeat(n))))),
    ("an international resource", |n| target("iri", text(format!("a:{}", "ü/%20c/".repeat(n))))),
    ("a domain", |n| target("domain_name", text(hostnames(n, "a")))),
    ("an international domain", |n| target("idn_domain_name", text(hostnames(n, "ü")))),
    ("an international domain, one label", |n| target("idn_domain_name", text("ü".repeat(n)))),
    ("an address of mail", |n| target("email_addr", text(format!("{}@b", hostnames(n, "a"))))),
    ("an international address of mail", |n| target("idn_email_addr", text(format!("{}@b", hostnames(n, "ü"))))),
    ("an identifier of a command", |n| target("command", text("a".repeat(n)))),
    ("an address of IPv6", |n| target("ipv6_net", text("0:".repeat(n)))),
    ("an address of a device", |n| target("mac_addr", text("00:".repeat(n)))),
    ("digits of a number", |n| result("rate_limit", Value::Json(format!("0.{}1", "0".repeat(n))))),
    ("digits of a profile's number", |n| result("x-a", map([("b", Value::Json(format!("1{}.5", "0".repeat(n))))]))),
    ("an exponent", |n| result("rate_limit", Value::Json(format!("1e{}", "1".repeat(n))))),
    ("white space", |n| result("profiles", Value::Json(format!("[{}]", " ".repeat(n))))),
    ("a namespace", |n| args(keys(0..1, &"x-".repeat(n), &empty()))),
    ("an unknown field", |n| map([("headers", map([("from", text("p"))])), ("x".repeat(n).as_str(), text(""))])),
];
