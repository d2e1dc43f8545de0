//! The plans of a sink: found by topic and schemas, made when records with new schemas arrive, tables included.

use crate::ddl;
use crate::fault::Failure;
use crate::fields::{Fields, Schemas, fields};
use crate::name::TableName;
use crate::plan::{Plan, Target};
use crate::server::Server;
use crate::settings::{PkMode, Settings};
use crate::table::{self, Table};
use connect_data::frame::Headers;
use connect_data::row_image::Layout;
use connect_data::{Error, Schema, SchemaId, SchemaStore};
use std::collections::HashMap;
use std::sync::Arc;

/// More plans than this are forgotten all at once: something makes a schema for every record.
const MAX_PLANS: usize = 10_000;

/// Plans and what is known of tables.
#[derive(Default)]
pub(crate) struct Plans {
    plans: Vec<Plan>,
    index: HashMap<(SchemaId, SchemaId), Vec<Known>>,
    tables: Vec<(TableName, Table)>,
    /// Some table has foreign keys or other unique indexes, so that rows keep the order of the records.
    ordered: bool,
}

struct Known {
    topic: String,
    headers: Vec<(String, SchemaId)>,
    /// `None`: there is no table to delete from.
    plan: Option<u32>,
}

/// What a plan is looked for with.
pub(crate) struct Wanted<'a> {
    pub(crate) topic: &'a str,
    pub(crate) key: SchemaId,
    /// 0 for a tombstone.
    pub(crate) value: SchemaId,
    pub(crate) headers: &'a Headers<'a>,
    /// Whether the record only deletes: then nothing is made or changed.
    pub(crate) deletes: bool,
}

impl Plans {
    pub(crate) fn all(&self) -> &[Plan] {
        &self.plans
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The plan, if there is one: nothing is allocated. `Some(None)` is that of a record without a table.
    pub(crate) fn find(&self, settings: &Settings, wanted: &Wanted<'_>) -> Option<Option<u32>> {
        let known = self.index.get(&(wanted.key, wanted.value))?;
        let with_headers = settings.pk_mode == PkMode::RecordHeader;
        let found = known.iter().find(|known| {
            known.topic == wanted.topic && (!with_headers || same_headers(&known.headers, wanted.headers))
        });
        found.map(|known| known.plan)
    }

    /// Makes the plan, and the table and its columns if they are missing and may be made.
    pub(crate) async fn make(
        &mut self,
        settings: &Settings,
        store: &dyn SchemaStore,
        server: &mut Server,
        wanted: &Wanted<'_>,
    ) -> Result<Option<u32>, Failure> {
        if self.plans.len() >= MAX_PLANS {
            return Err(Failure::Definition(Error::internal(
                "mysql.plans",
                "more combinations of topics and schemas than are kept",
            )));
        }
        let mut headers = Vec::new();
        let mut header_ids = Vec::new();
        if settings.pk_mode == PkMode::RecordHeader {
            for header in wanted.headers.iter() {
                let (name, datum) = header?;
                if let Some(schema) = schema(store, datum.schema)? {
                    headers.push((name.to_owned(), schema));
                }
                header_ids.push((name.to_owned(), datum.schema));
            }
        }
        let (key, value) = (schema(store, wanted.key)?, schema(store, wanted.value)?);
        let schemas = Schemas { topic: wanted.topic, key: key.as_ref(), value: value.as_ref(), headers: &headers };
        let fields = fields(settings, &schemas).map_err(Failure::Row)?;
        let name = settings.tables.of(wanted.topic)?;
        let plan = match self.table(settings, server, &name, &fields, wanted.deletes).await? {
            None => None,
            Some(number) => {
                let slots =
                    |schema: &Option<Arc<Schema>>| schema.as_ref().map_or(0, |schema| Layout::of(schema).slots());
                let (_, table) =
                    self.tables.get(number).ok_or_else(|| Error::internal("mysql.plans", "no such table"))?;
                let target = Target { number: number as u32, name: &name, table, ordered: self.ordered };
                let plan = Plan::compile(settings, &fields, &target, (slots(&key), slots(&value)));
                let plan = plan.map_err(|error| match error.kind() {
                    connect_data::ErrorKind::Data => Failure::Row(error),
                    _ => Failure::Fatal(error),
                })?;
                self.plans.push(plan);
                Some(self.plans.len() as u32 - 1)
            }
        };
        let known = Known { topic: wanted.topic.to_owned(), headers: header_ids, plan };
        // A table that is not there may come.
        if plan.is_some() {
            self.index.entry((wanted.key, wanted.value)).or_default().push(known);
        }
        Ok(plan)
    }

    /// The table's number, made and extended as the settings allow.
    async fn table(
        &mut self,
        settings: &Settings,
        server: &mut Server,
        name: &TableName,
        fields: &Fields,
        deletes: bool,
    ) -> Result<Option<usize>, Failure> {
        let known = self.tables.iter().position(|(known, _)| known == name);
        if let Some(at) = known
            && self.tables.get(at).is_some_and(|(_, table)| missing(table, fields).is_empty())
        {
            return Ok(known);
        }
        let mut table = table::describe(server, name).await?;
        if table.is_none() && !deletes {
            if !settings.create {
                return Err(Failure::Fatal(
                    Error::config(
                        "mysql.no-table",
                        format!("table {}: expected it to be there, found none", name.table),
                    )
                    .hint("make it, or set auto.create=true (Debezium's class: schema.evolution=basic)"),
                ));
            }
            let sql = ddl::create(settings, &server.facts, name, fields).map_err(Failure::Row)?;
            tracing::info!(table = name.table, sql, "table is made");
            table::create(server, &sql).await?;
            table = table::describe(server, name).await?;
        }
        let Some(mut found) = table else { return Ok(None) };
        let lacking = missing(&found, fields);
        if !lacking.is_empty() && !deletes {
            if !settings.evolve {
                let names: Vec<&str> = lacking.iter().map(|field| field.name.as_str()).collect();
                return Err(Failure::Fatal(
                    Error::config(
                        "mysql.no-column",
                        format!("table {}: expected columns for all fields, found none for {}", name.table, names.join(", ")),
                    )
                    .hint("add them, or set auto.evolve=true (Debezium's class: schema.evolution=basic), or leave the fields out"),
                ));
            }
            let sql = ddl::alter(settings, &server.facts, name, fields, &lacking)?;
            tracing::info!(table = name.table, sql, "columns are added");
            table::alter(server, &sql).await?;
            found = table::describe(server, name)
                .await?
                .ok_or_else(|| Error::config("mysql.no-table", format!("table {}: it went away", name.table)))?;
        }
        self.notice(settings, name, &found, fields);
        match known.and_then(|at| self.tables.get_mut(at)) {
            Some(place) => place.1 = found,
            None => self.tables.push((name.clone(), found)),
        }
        Ok(known.or(Some(self.tables.len() - 1)))
    }

    fn notice(&mut self, settings: &Settings, name: &TableName, table: &Table, fields: &Fields) {
        let keys: Vec<String> =
            fields.keys.iter().filter_map(|key| fields.all.get(*key)).map(|field| field.name.clone()).collect();
        if table.foreign_keys {
            tracing::warn!(
                table = name.table,
                "foreign keys: rows are written in the order of the records, in smaller statements"
            );
        }
        if !table.transactional {
            tracing::warn!(
                table = name.table,
                "the table's engine has no transactions: a batch that fails leaves part of its rows"
            );
        }
        let ordered = table.foreign_keys || (!keys.is_empty() && table.other_unique(&keys).next().is_some());
        if ordered && !self.ordered {
            self.ordered = true;
            for plan in &mut self.plans {
                plan.ordered = true;
            }
        }
        if settings.pk_mode == PkMode::None && !table.unique.is_empty() {
            tracing::warn!(
                table = name.table,
                "rows without a key go to a table with unique indexes: a batch that is tried again may meet its own rows"
            );
        }
    }
}

fn missing<'a>(table: &Table, fields: &'a Fields) -> Vec<&'a crate::fields::Field> {
    fields.all.iter().filter(|field| table.column(&field.name).is_none()).collect()
}

fn schema(store: &dyn SchemaStore, id: SchemaId) -> Result<Option<Arc<Schema>>, Error> {
    match id {
        0 => Ok(None),
        id => match store.get(id) {
            Some(schema) => Ok(Some(schema)),
            None => Err(Error::internal("mysql.schema", format!("expected schema {id} in the store, found none"))),
        },
    }
}

fn same_headers(known: &[(String, SchemaId)], headers: &Headers<'_>) -> bool {
    known.len() == headers.len()
        && headers
            .iter()
            .zip(known)
            .all(|(header, (name, id))| header.is_ok_and(|(other, datum)| other == name && datum.schema == *id))
}
