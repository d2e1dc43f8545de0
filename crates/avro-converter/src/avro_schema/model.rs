//! The model itself and its builder.

use super::{Json, LogicalType, Name};
use connect_data::{Error, Result};

/// Index of a type in its schema's arena.
pub type TypeId = u32;

/// More types than this are refused; the largest real tables have a few thousand columns.
pub const MAX_TYPES: usize = 200_000;
/// Deeper nesting than this is refused, which bounds every recursion over a schema: threads of a JVM and WebAssembly
/// have small stacks. Each union, array, map and record counts; a reference to an enclosing type is no deeper than the
/// type. The parser of JSON texts stops at about the same place.
pub const MAX_DEPTH: usize = 64;

/// Properties in insertion order, `logicalType` among them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Props(Vec<(String, Json)>);

impl Props {
    /// Value of a property.
    pub fn get(&self, key: &str) -> Option<&Json> {
        self.0.iter().find(|(k, _)| k == key).map(|(_, v)| v)
    }

    /// Value of a property that is a string: Java's `getProp`.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Json::as_str)
    }

    /// Adds a property. As in Java the first value stays; `false` = there was another one.
    pub fn add(&mut self, key: impl Into<String>, value: impl Into<Json>) -> bool {
        let (key, value) = (key.into(), value.into());
        match self.get(&key) {
            Some(old) => *old == value,
            None => {
                self.0.push((key, value));
                true
            }
        }
    }

    /// All, in insertion order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Json)> {
        self.0.iter().map(|(k, v)| (k.as_str(), v))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The same properties with the same values, in any order.
    pub(super) fn same(&self, other: &Self) -> bool {
        self.0.len() == other.0.len() && self.0.iter().all(|(k, v)| other.get(k) == Some(v))
    }
}

/// One type with its properties.
#[derive(Clone, Debug)]
pub struct AvroType {
    /// What it is.
    pub kind: Kind,
    /// Everything Avro does not reserve: `connect.*`, `logicalType`, `precision` ... Empty for unions.
    pub props: Props,
}

impl AvroType {
    /// Without properties.
    pub fn new(kind: Kind) -> Self {
        Self { kind, props: Props::default() }
    }

    /// Adds a property (see [`Props::add`]).
    #[must_use]
    pub fn with_prop(mut self, key: impl Into<String>, value: impl Into<Json>) -> Self {
        self.props.add(key, value);
        self
    }

    /// The logical type, if `logicalType` names a valid one for this type: Java's `getLogicalType`.
    pub fn logical_type(&self) -> Option<LogicalType> {
        LogicalType::of(self)
    }

    /// Name of a record, enum or fixed.
    pub fn name(&self) -> Option<&Name> {
        match &self.kind {
            Kind::Record(record) => Some(&record.name),
            Kind::Enum(definition) => Some(&definition.name),
            Kind::Fixed(fixed) => Some(&fixed.name),
            _ => None,
        }
    }

    /// Java's `getFullName`: the name of a named type, otherwise the type's own (`int`, `array` ...).
    pub fn full_name(&self) -> &str {
        self.name().map_or_else(|| self.kind.type_name(), Name::full)
    }

    /// Documentation of a record, enum or fixed.
    pub fn doc(&self) -> Option<&str> {
        match &self.kind {
            Kind::Record(record) => record.doc.as_deref(),
            Kind::Enum(definition) => definition.doc.as_deref(),
            Kind::Fixed(fixed) => fixed.doc.as_deref(),
            _ => None,
        }
    }

    /// Aliases of a record, enum or fixed.
    pub fn aliases(&self) -> &[Name] {
        match &self.kind {
            Kind::Record(record) => &record.aliases,
            Kind::Enum(definition) => &definition.aliases,
            Kind::Fixed(fixed) => &fixed.aliases,
            _ => &[],
        }
    }
}

/// `org.apache.avro.Schema.Type`, with what belongs to each.
#[derive(Clone, Debug)]
pub enum Kind {
    /// No value.
    Null,
    /// True or false.
    Boolean,
    /// 32 bits, signed.
    Int,
    /// 64 bits, signed.
    Long,
    /// IEEE 754 single.
    Float,
    /// IEEE 754 double.
    Double,
    /// Octets.
    Bytes,
    /// Text.
    String,
    /// Items of one type.
    Array(TypeId),
    /// String keys to values of one type.
    Map(TypeId),
    /// One of several types.
    Union(Vec<TypeId>),
    /// Named fields.
    Record(Record),
    /// One of several symbols.
    Enum(Enum),
    /// A fixed number of octets.
    Fixed(Fixed),
}

impl Kind {
    /// Avro's spelling.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "boolean",
            Self::Int => "int",
            Self::Long => "long",
            Self::Float => "float",
            Self::Double => "double",
            Self::Bytes => "bytes",
            Self::String => "string",
            Self::Array(_) => "array",
            Self::Map(_) => "map",
            Self::Union(_) => "union",
            Self::Record(_) => "record",
            Self::Enum(_) => "enum",
            Self::Fixed(_) => "fixed",
        }
    }

    /// The primitive type with this spelling.
    pub fn primitive(name: &str) -> Option<Self> {
        Some(match name {
            "null" => Self::Null,
            "boolean" => Self::Boolean,
            "int" => Self::Int,
            "long" => Self::Long,
            "float" => Self::Float,
            "double" => Self::Double,
            "bytes" => Self::Bytes,
            "string" => Self::String,
            _ => return None,
        })
    }
}

/// A record.
#[derive(Clone, Debug)]
pub struct Record {
    /// Full name.
    pub name: Name,
    /// Documentation.
    pub doc: Option<String>,
    /// Other names that a reader accepts.
    pub aliases: Vec<Name>,
    /// Declared as `error` instead of `record`.
    pub is_error: bool,
    /// Fields in order.
    pub fields: Vec<Field>,
}

impl Record {
    /// Without fields.
    pub fn new(name: Name) -> Self {
        Self { name, doc: None, aliases: Vec::new(), is_error: false, fields: Vec::new() }
    }

    /// Position and declaration of a field.
    pub fn field(&self, name: &str) -> Option<(usize, &Field)> {
        self.fields.iter().enumerate().find(|(_, f)| f.name == name)
    }
}

/// A field of a record.
#[derive(Clone, Debug)]
pub struct Field {
    /// Name.
    pub name: String,
    /// Type.
    pub ty: TypeId,
    /// Documentation.
    pub doc: Option<String>,
    /// Default; JSON null is the null default, `None` is none.
    pub default: Option<Json>,
    /// Sort order.
    pub order: Order,
    /// Other names that a reader accepts.
    pub aliases: Vec<String>,
    /// Everything Avro does not reserve.
    pub props: Props,
}

impl Field {
    /// Without default.
    pub fn new(name: impl Into<String>, ty: TypeId) -> Self {
        Self {
            name: name.into(),
            ty,
            doc: None,
            default: None,
            order: Order::Ascending,
            aliases: Vec::new(),
            props: Props::default(),
        }
    }

    /// Sets the default.
    #[must_use]
    pub fn with_default(mut self, default: impl Into<Json>) -> Self {
        self.default = Some(default.into());
        self
    }
}

/// Sort order of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The default.
    Ascending,
    /// Reversed.
    Descending,
    /// Not compared.
    Ignore,
}

/// An enumeration.
#[derive(Clone, Debug)]
pub struct Enum {
    /// Full name.
    pub name: Name,
    /// Documentation.
    pub doc: Option<String>,
    /// Other names that a reader accepts.
    pub aliases: Vec<Name>,
    /// Symbols in order.
    pub symbols: Vec<String>,
    /// What a reader takes for a symbol it does not know.
    pub default: Option<String>,
}

impl Enum {
    /// Without documentation or default.
    pub fn new(name: Name, symbols: Vec<String>) -> Self {
        Self { name, doc: None, aliases: Vec::new(), symbols, default: None }
    }
}

/// A fixed number of octets.
#[derive(Clone, Debug)]
pub struct Fixed {
    /// Full name.
    pub name: Name,
    /// Documentation.
    pub doc: Option<String>,
    /// Other names that a reader accepts.
    pub aliases: Vec<Name>,
    /// Octets.
    pub size: usize,
}

impl Fixed {
    /// Without documentation.
    pub fn new(name: Name, size: usize) -> Self {
        Self { name, doc: None, aliases: Vec::new(), size }
    }
}

/// A complete schema. Cheap to share behind an `Arc`, never changed.
///
/// `==` is Java's `Schema.equals`: names, types, defaults, orders and properties count, documentation and aliases do
/// not. `to_string()` is Java's `Schema.toString()`.
#[derive(Clone, Debug)]
pub struct AvroSchema {
    pub(super) types: Vec<AvroType>,
    pub(super) root: TypeId,
}

impl AvroSchema {
    /// The root's id.
    pub fn root_id(&self) -> TypeId {
        self.root
    }

    /// The root.
    pub fn root(&self) -> &AvroType {
        self.get(self.root)
    }

    /// The type with this id. Ids come from this schema, so a wrong one is a bug: it gives some other type.
    pub fn get(&self, id: TypeId) -> &AvroType {
        match self.types.get(id as usize).or(self.types.first()) {
            Some(found) => found,
            None => unreachable!("a schema has at least one type"),
        }
    }

    /// All types; some may not be reachable from the root.
    pub fn types(&self) -> &[AvroType] {
        &self.types
    }

    /// The types directly below one.
    pub fn children(&self, id: TypeId) -> impl Iterator<Item = TypeId> + '_ {
        children(&self.get(id).kind)
    }

    /// The same arena with another root.
    #[must_use]
    pub fn rooted_at(&self, root: TypeId) -> Self {
        Self { types: self.types.clone(), root }
    }
}

fn children(kind: &Kind) -> impl Iterator<Item = TypeId> + '_ {
    let (one, many, fields): (Option<TypeId>, &[TypeId], &[Field]) = match kind {
        Kind::Array(item) | Kind::Map(item) => (Some(*item), &[], &[]),
        Kind::Union(branches) => (None, branches, &[]),
        Kind::Record(record) => (None, &[], &record.fields),
        _ => (None, &[], &[]),
    };
    one.into_iter().chain(many.iter().copied()).chain(fields.iter().map(|f| f.ty))
}

/// Builds an [`AvroSchema`]. A type may be used before its fields are known.
#[derive(Debug, Default)]
pub struct AvroSchemaBuilder {
    types: Vec<AvroType>,
}

impl AvroSchemaBuilder {
    /// An empty arena.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a type.
    pub fn add(&mut self, ty: AvroType) -> TypeId {
        self.types.push(ty);
        (self.types.len() - 1) as TypeId
    }

    /// The type, to read it.
    pub fn get(&self, id: TypeId) -> Option<&AvroType> {
        self.types.get(id as usize)
    }

    /// The type, to change it.
    pub fn get_mut(&mut self, id: TypeId) -> Option<&mut AvroType> {
        self.types.get_mut(id as usize)
    }

    /// Appends a field to a record; does nothing for any other type.
    pub fn add_field(&mut self, record: TypeId, field: Field) {
        if let Some(AvroType { kind: Kind::Record(record), .. }) = self.get_mut(record) {
            record.fields.push(field);
        }
    }

    /// Adds a property (see [`Props::add`]).
    pub fn add_prop(&mut self, id: TypeId, key: impl Into<String>, value: impl Into<Json>) -> bool {
        self.get_mut(id).is_some_and(|ty| ty.props.add(key, value))
    }

    /// Number of types so far.
    pub fn len(&self) -> usize {
        self.types.len()
    }

    /// Whether there is no type yet.
    pub fn is_empty(&self) -> bool {
        self.types.is_empty()
    }

    /// The schema as it stands, unchecked: to compare parts while building.
    pub(super) fn view(self, root: TypeId) -> AvroSchema {
        AvroSchema { types: self.types, root }
    }

    /// Checks the arena.
    ///
    /// # Errors
    /// Data `avro-schema.shape`: an id that is not there, an array, map or union that contains itself without a record
    /// between. Data `avro-schema.too-large`: more than [`MAX_TYPES`] types or [`MAX_DEPTH`] levels.
    pub fn finish(self, root: TypeId) -> Result<AvroSchema> {
        let schema = AvroSchema { types: self.types, root };
        if schema.types.len() > MAX_TYPES {
            return Err(too_large());
        }
        if root as usize >= schema.types.len() {
            return Err(Error::data("avro-schema.shape", "Avro schema: found no type for the root"));
        }
        // Depth-first with an explicit stack; `open` counts the types that enclose the current one.
        const NEW: u8 = 0;
        const OPEN: u8 = 1;
        const DONE: u8 = 2;
        let mut state = vec![NEW; schema.types.len()];
        let mut stack = vec![(root, false)];
        let mut open = 0;
        while let Some((id, leave)) = stack.pop() {
            let Some(seen) = state.get_mut(id as usize) else {
                return Err(Error::data("avro-schema.shape", format!("Avro schema: found no type {id}")));
            };
            match (leave, *seen) {
                (true, _) => {
                    *seen = DONE;
                    open -= 1;
                }
                (false, OPEN) if !matches!(schema.get(id).kind, Kind::Record(_)) => {
                    let found = schema.get(id).kind.type_name();
                    let message =
                        format!("Avro schema: expected recursion through a record, found an {found} in itself");
                    return Err(Error::data("avro-schema.shape", message));
                }
                (false, NEW) => {
                    *seen = OPEN;
                    open += 1;
                    if open > MAX_DEPTH {
                        return Err(too_large());
                    }
                    stack.push((id, true));
                    // The first child ends on top: types are met in the order in which a printer meets them.
                    let first = stack.len();
                    stack.extend(schema.children(id).map(|child| (child, false)));
                    if let Some(added) = stack.get_mut(first..) {
                        added.reverse();
                    }
                }
                _ => {}
            }
        }
        Ok(schema)
    }
}

/// Opens a schema again, to change it. Its ids stay.
impl From<AvroSchema> for AvroSchemaBuilder {
    fn from(schema: AvroSchema) -> Self {
        Self { types: schema.types }
    }
}

pub(super) fn too_large() -> Error {
    Error::data(
        "avro-schema.too-large",
        format!("Avro schema: expected at most {MAX_TYPES} types and {MAX_DEPTH} levels, found more"),
    )
}
