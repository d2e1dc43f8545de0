//! Defaults of columns: from PostgreSQL's expression to the default of a schema, as Debezium 1.7's
//! `PostgresDefaultValueConverter` does it. Expressions are not evaluated: a function call becomes the zero of its type.

use crate::codec::Scratch;
use crate::pg_type::PgType;
use crate::types::Mapped;
use connect_data::Value;
use connect_data::row_image::{ImageWriter, Layout, tree};

/// The default that an expression gives a column; `None` where it gives none.
pub(crate) fn parse(expression: &str, data_type: &str, mapped: &Mapped) -> Option<Value> {
    let pg_type = PgType::parse(data_type);
    if pg_type.array {
        return None;
    }
    // Debezium knows these types; the text stands for a function call.
    let zero = match pg_type.name.as_str() {
        "bit" | "varbit" => "0",
        "bool" => "false",
        "bpchar" | "varchar" | "text" | "xml" => "",
        "numeric" | "float4" | "float8" | "int2" | "int4" | "int8" => "0",
        "json" | "jsonb" => "{}",
        "uuid" => "00000000-0000-0000-0000-000000000000",
        "date" => "1970-01-01",
        "time" | "interval" => "00:00:00",
        "timestamp" => "1970-01-01 00:00:00",
        "timestamptz" => "1970-01-01 00:00:00+00",
        _ => return None,
    };
    let literal;
    let text = if is_call(expression) {
        zero
    } else if let Some(inner) = first_literal(expression) {
        literal = inner;
        literal.as_str()
    } else if expression.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("null")) {
        return None;
    } else {
        expression
    };
    convert(text, mapped)
}

/// `nextval('s'::regclass)`, `(length(v))`: a name with arguments in front.
fn is_call(expression: &str) -> bool {
    let rest = expression.strip_prefix('(').unwrap_or(expression);
    let name = rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
    name > 0 && rest.get(name..).is_some_and(|arguments| arguments.starts_with('(') && arguments.contains(')'))
}

/// The first text between single quotes, doubled ones undone.
fn first_literal(expression: &str) -> Option<String> {
    let start = expression.find('\'')?;
    let mut rest = expression.get(start + 1..)?;
    let mut literal = String::new();
    loop {
        let quote = rest.find('\'')?;
        literal.push_str(rest.get(..quote)?);
        rest = rest.get(quote + 1..)?;
        match rest.strip_prefix('\'') {
            Some(after) => {
                literal.push('\'');
                rest = after;
            }
            None => return Some(literal),
        }
    }
}

fn convert(text: &str, mapped: &Mapped) -> Option<Value> {
    let mut image = Vec::new();
    let mut w = ImageWriter::new(&mut image, Layout::of(&mapped.schema).slots()).ok()?;
    mapped.codec.write_text(text.as_bytes(), &mut w, 0, &mut Scratch::default()).ok()?;
    w.finish();
    match tree::read(Some(&mapped.schema), &image, &[]).ok()? {
        // Connect cannot compare defaults that are structs (KAFKA-12694).
        Value::Struct(_) => None,
        value => Some(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{CONFIG, Settings};
    use crate::pg_type::UserTypes;

    fn default(expression: &str, data_type: &str) -> Option<Value> {
        let properties = [("topic.prefix", "s"), ("database.dbname", "d")].into_iter().collect();
        let settings = Settings::parse(&CONFIG, &properties).unwrap();
        let mapped = crate::types::map(data_type, &settings, &UserTypes::unknown()).unwrap().unwrap();
        parse(expression, data_type, &mapped)
    }

    #[test]
    fn literals_calls_and_what_is_neither() {
        let text = |text: &str| Some(Value::String(text.to_owned()));
        assert_eq!(default("nextval('t_id_seq'::regclass)", "integer"), Some(Value::Int32(0)));
        assert_eq!(default("length(v)", "integer"), Some(Value::Int32(0)));
        assert_eq!(default("7", "smallint"), Some(Value::Int16(7)));
        assert_eq!(default("'-5'::integer", "integer"), Some(Value::Int32(-5)));
        assert_eq!(default("(1 + 2)", "integer"), None);
        assert_eq!(default("'it''s'::text", "text"), text("it's"));
        assert_eq!(default("NULL::character varying", "character varying(5)"), None);
        assert_eq!(default("true", "boolean"), Some(Value::Boolean(true)));
        assert_eq!(default("1.5", "numeric(5,2)"), Some(Value::Bytes(vec![0, 150])));
        assert_eq!(default("1.5", "numeric"), None);
        assert_eq!(default("'2024-01-01 00:00:00+00'::timestamp with time zone", "timestamp with time zone"), {
            text("2024-01-01T00:00:00Z")
        });
        assert_eq!(default("now()", "timestamp without time zone"), Some(Value::Int64(0)));
        assert_eq!(default("CURRENT_TIMESTAMP", "timestamp with time zone"), None);
        assert_eq!(default("gen_random_uuid()", "uuid"), text("00000000-0000-0000-0000-000000000000"));
        assert_eq!(default("B'101'::\"bit\"", "bit(3)"), Some(Value::Bytes(vec![5])));
        assert_eq!(default("'{}'::integer[]", "integer[]"), None);
        assert_eq!(default("'x'::citext", "citext"), None);
    }
}
