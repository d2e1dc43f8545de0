//! Between this crate's types and those that a bindings generator makes of `wit/types.wit`. Guest and host have types of
//! their own for the same WIT, so this is a macro.

/// Defines, over the generated modules `$schemas` and `$errors`: `to_def` and `from_def` for schemas, `to_wit_error` and
/// `from_wit_error` for errors.
#[macro_export]
macro_rules! typed_conversions {
    ($schemas:ident, $errors:ident) => {
        /// The typed form of a schema.
        ///
        /// # Errors
        /// Data: a default that is not of its node's type.
        pub(crate) fn to_def(schema: &$crate::Schema) -> $crate::Result<$schemas::SchemaDef> {
            let node = |(id, node): (usize, &$crate::Node)| {
                let parameter =
                    |(key, value): &(String, String)| $schemas::Parameter { key: key.clone(), value: value.clone() };
                let field = |field: &$crate::Field| $schemas::Field { name: field.name.clone(), node: field.node };
                Ok($schemas::Node {
                    kind: to_kind(node.kind),
                    optional: node.optional,
                    name: node.name.clone(),
                    version: node.version,
                    doc: node.doc.clone(),
                    parameters: node.parameters.iter().map(parameter).collect(),
                    default_value: $crate::schema_codec::default_image(schema, id as u32)?,
                    fields: node.fields.iter().map(field).collect(),
                    key: node.key,
                    item: node.item,
                })
            };
            let nodes = schema.nodes().iter().enumerate().map(node).collect::<$crate::Result<_>>()?;
            Ok($schemas::SchemaDef { nodes })
        }

        /// A schema from its typed form.
        ///
        /// # Errors
        /// Data: a shape that no schema has. Internal: a default that does not fit its node.
        pub(crate) fn from_def(def: $schemas::SchemaDef) -> $crate::Result<$crate::Schema> {
            let (mut nodes, mut defaults) = (Vec::new(), Vec::new());
            for (id, node) in def.nodes.into_iter().enumerate() {
                if let Some(image) = node.default_value {
                    defaults.push((id as u32, image));
                }
                nodes.push($crate::Node {
                    kind: from_kind(node.kind),
                    optional: node.optional,
                    name: node.name,
                    version: node.version,
                    doc: node.doc,
                    parameters: node.parameters.into_iter().map(|p| (p.key, p.value)).collect(),
                    default: None,
                    fields: node.fields.into_iter().map(|f| $crate::Field { name: f.name, node: f.node }).collect(),
                    item: node.item,
                    key: node.key,
                });
            }
            let defaults: Vec<_> = defaults.iter().map(|(id, image)| (*id, image.as_slice())).collect();
            $crate::schema_codec::build(nodes, &defaults)
        }

        fn to_kind(kind: $crate::Type) -> $schemas::Kind {
            match kind {
                $crate::Type::Int8 => $schemas::Kind::Int8,
                $crate::Type::Int16 => $schemas::Kind::Int16,
                $crate::Type::Int32 => $schemas::Kind::Int32,
                $crate::Type::Int64 => $schemas::Kind::Int64,
                $crate::Type::Float32 => $schemas::Kind::Float32,
                $crate::Type::Float64 => $schemas::Kind::Float64,
                $crate::Type::Boolean => $schemas::Kind::Boolean,
                $crate::Type::String => $schemas::Kind::Text,
                $crate::Type::Bytes => $schemas::Kind::Bytes,
                $crate::Type::Array => $schemas::Kind::Array,
                $crate::Type::Map => $schemas::Kind::Mapping,
                $crate::Type::Struct => $schemas::Kind::Struct,
            }
        }

        fn from_kind(kind: $schemas::Kind) -> $crate::Type {
            match kind {
                $schemas::Kind::Int8 => $crate::Type::Int8,
                $schemas::Kind::Int16 => $crate::Type::Int16,
                $schemas::Kind::Int32 => $crate::Type::Int32,
                $schemas::Kind::Int64 => $crate::Type::Int64,
                $schemas::Kind::Float32 => $crate::Type::Float32,
                $schemas::Kind::Float64 => $crate::Type::Float64,
                $schemas::Kind::Boolean => $crate::Type::Boolean,
                $schemas::Kind::Text => $crate::Type::String,
                $schemas::Kind::Bytes => $crate::Type::Bytes,
                $schemas::Kind::Array => $crate::Type::Array,
                $schemas::Kind::Mapping => $crate::Type::Map,
                $schemas::Kind::Struct => $crate::Type::Struct,
            }
        }

        /// The typed form of an error.
        pub(crate) fn to_wit_error(error: &$crate::Error) -> $errors::Error {
            $errors::Error {
                kind: match error.kind() {
                    $crate::ErrorKind::Data => $errors::ErrorKind::Data,
                    $crate::ErrorKind::Config => $errors::ErrorKind::Config,
                    $crate::ErrorKind::Internal => $errors::ErrorKind::Internal,
                    $crate::ErrorKind::Outage => $errors::ErrorKind::Outage,
                },
                code: error.code().to_owned(),
                message: error.message().to_owned(),
                path: error.path_text(),
                hint: error.hint_text().map(str::to_owned),
            }
        }

        /// An error from its typed form. The path comes back as one step.
        pub(crate) fn from_wit_error(error: $errors::Error) -> $crate::Error {
            let kind = match error.kind {
                $errors::ErrorKind::Data => $crate::ErrorKind::Data,
                $errors::ErrorKind::Config => $crate::ErrorKind::Config,
                $errors::ErrorKind::Internal => $crate::ErrorKind::Internal,
                $errors::ErrorKind::Outage => $crate::ErrorKind::Outage,
            };
            let path = if error.path.is_empty() { Vec::new() } else { vec![$crate::error::Step::Field(error.path)] };
            $crate::Error::foreign(kind, error.code, error.message, path, error.hint)
        }
    };
}
