//! What a converter can ask for, and what it gets.

use connect_data::NeedId;
use std::sync::Arc;

/// Something that a registry knows. Equal needs share one answer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// The schema with this id, in the context of a subject (`""` where the subject is not known yet: the record name
    /// strategies need the schema to name it). `GET /schemas/ids/{id}`. Gives [`Fact::Schema`].
    Schema {
        /// Id from the wire header, or `use.schema.id`.
        id: i32,
        /// Subject, or `""`.
        subject: String,
    },
    /// The schema with this GUID (wire format 1). `GET /schemas/guids/{guid}`. Gives [`Fact::Schema`].
    Guid(String),
    /// The id of a schema under a subject. `POST /subjects/{subject}/versions` if `register`, else
    /// `POST /subjects/{subject}`. Gives [`Fact::Id`].
    Id {
        /// Subject.
        subject: String,
        /// Schema text.
        schema: Arc<str>,
        /// `auto.register.schemas`.
        register: bool,
        /// `normalize.schemas`.
        normalize: bool,
    },
    /// The version of a schema under a subject. `POST /subjects/{subject}`, deleted ones included; see
    /// [`VersionLookup`](crate::VersionLookup). Gives [`Fact::Version`].
    Version {
        /// Subject.
        subject: String,
        /// Schema text as the registry gave it.
        schema: Arc<str>,
        /// References as the registry gave them.
        references: Vec<Reference>,
    },
    /// The latest version of a subject. `GET /subjects/{subject}/versions/latest`. Gives [`Fact::Schema`].
    Latest {
        /// Subject.
        subject: String,
    },
    /// One version of a subject, deleted ones included: a reference. `GET /subjects/{subject}/versions/{version}`.
    /// Gives [`Fact::Schema`].
    SubjectVersion {
        /// Subject.
        subject: String,
        /// Version.
        version: i32,
    },
    /// The latest version of a subject with this metadata. `GET /subjects/{subject}/metadata`. Gives [`Fact::Schema`].
    Metadata {
        /// Subject.
        subject: String,
        /// Keys and values, as in `use.latest.with.metadata`.
        properties: Vec<(String, String)>,
    },
}

/// A schema that another one refers to by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// Full name by which it is referred to.
    pub name: String,
    /// Subject that holds it.
    pub subject: String,
    /// Version there.
    pub version: i32,
}

/// A schema as a registry holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisteredSchema {
    /// Its id, if the registry said so or it was asked for by id.
    pub id: Option<i32>,
    /// Its GUID, if the registry has such.
    pub guid: Option<String>,
    /// Its version, if asked for by subject.
    pub version: Option<i32>,
    /// Its text, verbatim.
    pub text: Arc<str>,
    /// Schemas it refers to; see [`RegistryClient::references`](crate::RegistryClient::references).
    pub references: Vec<Reference>,
}

/// The id under which a schema is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssignedId {
    /// Id for the wire header.
    pub id: i32,
    /// GUID, if the registry has such.
    pub guid: Option<String>,
}

/// What a registry answered to a [`Need`]. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A schema.
    Schema(Arc<RegisteredSchema>),
    /// An id.
    Id(Arc<AssignedId>),
    /// A version; `None` = the registry does not know the schema under this subject and `schema.version.lookup` lets
    /// that pass.
    Version(Option<i32>),
}

/// What [`RegistryClient::lookup`](crate::RegistryClient::lookup) finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// Known.
    Fact(Fact),
    /// Unknown: hand this number to the host.
    Need(NeedId),
}
