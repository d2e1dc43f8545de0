//! Records: the writer's fields, the reader's defaults, calls of enclosing records.

use super::super::plan::{Op, Routine, Slot};
use super::super::resolve::{Resolution, encode_default, missing};
use super::super::sizes::Sizes;
use super::super::union;
use super::{Compiler, Input, Place, logical_type, mismatch};
use crate::avro_schema::{Kind, Record, TypeId};
use connect_data::{Node, NodeId, Result};
use std::collections::BTreeMap;

impl<'a> Compiler<'a> {
    pub(super) fn call(&mut self, w: TypeId, r: TypeId, node: NodeId, slot: Slot) -> Result<()> {
        let key = (w, r, node);
        let routine = match self.routines.get(&key) {
            Some(routine) => *routine,
            None => {
                let routine = self.code.routines.len() as u32;
                let (width, home) = (self.layout.width(node), self.layout.slot(node));
                self.code.routines.push(Routine { entry: 0, width, home });
                self.routines.insert(key, routine);
                self.waiting.push((key, routine));
                routine
            }
        };
        self.emit(Op::Call { slot, routine }).map(drop)
    }

    /// Fields in the writer's order; then the reader's that the writer lacks.
    pub(super) fn record(&mut self, w: TypeId, r: TypeId, place: Place) -> Result<()> {
        let (Kind::Record(writer), Kind::Record(reader)) = (self.writer(w), self.reader(r)) else {
            return self.incompatible(w, r);
        };
        if let Some(name) = missing(writer, reader) {
            let error = mismatch(&format!("field {name} of {}, which has no default", reader.name.full()), "none");
            return self.fail(error.hint("the latest version of the schema cannot read this older one"));
        }
        if let Some((node, _)) = self.node(place)
            && let Err(error) = self.readable(reader, self.input.schema.node(node))
        {
            return self.fail(error);
        }
        for field in &writer.fields {
            match reader.field(&field.name) {
                None => self.skip(field.ty)?,
                Some((index, other)) => {
                    self.inside(&other.name, |this| {
                        let inner = this.field(place, index, &other.name)?;
                        this.value(field.ty, other.ty, inner)
                    })?;
                }
            }
        }
        for (index, field) in reader.fields.iter().enumerate() {
            let Some(json) = field.default.as_ref().filter(|_| writer.field(&field.name).is_none()) else { continue };
            let start = self.code.constants.len();
            let mut bytes = Vec::new();
            encode_default(self.input.resolution.reader, field.ty, json, &mut bytes)
                .map_err(|e| e.field(&field.name))?;
            self.code.constants.extend_from_slice(&bytes);
            self.inside(&field.name, |this| {
                let inner = this.field(place, index, &field.name)?;
                this.default(field.ty, inner, start, bytes.len())
            })?;
        }
        Ok(())
    }

    fn field(&mut self, place: Place, index: usize, name: &str) -> Result<Place> {
        let schema = self.input.schema;
        if let Place::Entry { map } = place {
            let map_node = schema.node(map);
            let is_key = name == crate::from_connect::properties::KEY;
            self.emit(if is_key { Op::Key } else { Op::Value })?;
            let child = if is_key { map_node.key } else { map_node.item };
            return Ok(self.child(map, child.unwrap_or(0), 0));
        }
        let (node, slot) = self.node(place).unwrap_or((0, 0));
        let child = schema.node(node).fields.get(index).map_or(0, |field| field.node);
        Ok(self.child(node, child, slot + self.layout.field_offset(schema, node, index)))
    }

    /// A default is decoded like a payload that was written with the reader's schema.
    fn default(&mut self, ty: TypeId, place: Place, start: usize, len: usize) -> Result<()> {
        let reader = self.input.resolution.reader;
        let input = Input {
            resolution: Resolution::new(reader, reader),
            schema: self.input.schema,
            recursive: self.input.recursive,
            config: self.input.config,
        };
        self.emit(Op::Default { start: start as u32, len: len as u32 })?;
        let mut inner = Compiler {
            input: &input,
            layout: self.layout.clone(),
            code: std::mem::take(&mut self.code),
            place: self.place,
            routines: BTreeMap::new(),
            waiting: Vec::new(),
            skips: BTreeMap::new(),
            waiting_skips: Vec::new(),
            sizes: Sizes::new(reader),
        };
        let compiled = (|| {
            inner.value(ty, ty, place)?;
            inner.emit(Op::EndDefault)?;
            // What was called goes here, around the straight way.
            let around = inner.emit(Op::End)?;
            inner.rest()?;
            let end = inner.here();
            inner.patch(around, Op::Jump(end));
            Ok(())
        })();
        self.code = inner.code;
        compiled
    }

    /// Whether Java can make a struct of the record at all.
    fn readable(&self, reader: &Record, node: &Node) -> Result<()> {
        logical_type(node)?;
        if union::looks_like_union(node) {
            return Err(mismatch("a union", "a record with the name of one"));
        }
        let config = self.input.config;
        let lost = |name: &str| union::scrubbed(name, config) != name;
        match reader.fields.iter().find(|field| lost(&field.name)) {
            None => Ok(()),
            Some(field) => {
                let found = format!("{}, which would change", field.name);
                Err(mismatch("field names that scrub.invalid.names leaves alone", &found))
            }
        }
    }
}
