//! Unions of the writer, of the reader, of both.

use super::super::plan::{Op, Slot};
use super::super::shape::{self, Union};
use super::super::union::{self, Target};
use super::{Compiler, Place, is_back, mismatch};
use crate::avro_schema::{Kind, TypeId};
use connect_data::{NodeId, Result};

impl<'a> Compiler<'a> {
    pub(super) fn writer_union(&mut self, w: TypeId, branches: &'a [TypeId], r: TypeId, place: Place) -> Result<()> {
        let readers = match self.reader(r) {
            Kind::Union(readers) if self.input.resolution.equivalent(w, r) => Some(readers),
            _ => None,
        };
        let one = |this: &mut Self, position: usize, branch: TypeId| match readers {
            Some(readers) => this.branch(branch, readers, position, place),
            None => this.value(branch, r, place),
        };
        if let (&[a, b], Place::Node { slot, .. }) = (branches, place) {
            let null = |id: TypeId| matches!(self.writer(id), Kind::Null);
            let null = if null(a) {
                Some(0)
            } else if null(b) {
                Some(1)
            } else {
                None
            };
            if let Some(null) = null.filter(|_| self.takes_null(r)) {
                let at = self.emit(Op::End)?;
                let (position, branch) = if null == 0 { (1, b) } else { (0, a) };
                one(self, position, branch)?;
                let other = self.here();
                self.patch(at, Op::Optional { slot, null, other });
                return Ok(());
            }
        }
        let at = self.emit(Op::End)?;
        let mut entries = Vec::with_capacity(branches.len());
        let mut exits = Vec::with_capacity(branches.len());
        for (position, branch) in branches.iter().enumerate() {
            entries.push(self.here());
            one(self, position, *branch)?;
            exits.push(self.emit(Op::End)?);
        }
        self.code.branches.push(entries);
        self.patch(at, Op::Branch { table: (self.code.branches.len() - 1) as u32 });
        self.join(&exits);
        Ok(())
    }

    fn takes_null(&self, r: TypeId) -> bool {
        match self.reader(r) {
            Kind::Union(branches) => branches.iter().any(|branch| matches!(self.reader(*branch), Kind::Null)),
            _ => false,
        }
    }

    /// A writer's type into the `position`-th branch of a reader's union.
    pub(super) fn branch(&mut self, w: TypeId, branches: &'a [TypeId], position: usize, place: Place) -> Result<()> {
        let Some(branch) = branches.get(position).copied() else { return Ok(()) };
        if matches!(self.reader(branch), Kind::Null) {
            if !matches!(self.writer(w), Kind::Null) {
                return self.incompatible(w, branch);
            }
            return match place {
                Place::Root => self.emit(Op::NoValue).map(drop),
                Place::Node { slot, .. } => self.emit(Op::Null(slot)).map(drop),
                Place::Entry { .. } => self.fail(mismatch("a map entry", "null")),
            };
        }
        let Some((node, slot)) = self.node(place) else { return self.value(w, branch, place) };
        match shape::union(self.input.resolution.reader, branches, self.input.config) {
            Union::Single(_) | Union::Optional(_) => self.value(w, branch, place),
            Union::Struct if is_back(place) => self.fail(mismatch("a union", "a reference to one")),
            Union::Struct => {
                self.union_struct(node, slot, branches, position, |this, branch, place| this.value(w, branch, place))
            }
        }
    }

    pub(super) fn union_struct(
        &mut self,
        node: NodeId,
        slot: Slot,
        branches: &[TypeId],
        position: usize,
        value: impl Fn(&mut Self, TypeId, Place) -> Result<()>,
    ) -> Result<()> {
        let Some(branch) = branches.get(position).copied() else { return Ok(()) };
        let context = union::Context {
            schema: self.input.schema,
            avro: self.input.resolution.reader,
            config: self.input.config,
            recursive: self.input.recursive,
        };
        let one = |this: &mut Self, target: usize| {
            let fields = &this.input.schema.node(node).fields;
            let nulls = (0..fields.len()).filter(|other| *other != target);
            let nulls = nulls.map(|other| slot + this.layout.field_offset(this.input.schema, node, other)).collect();
            this.code.nulls.push(nulls);
            this.emit(Op::Nulls { table: (this.code.nulls.len() - 1) as u32 })?;
            let Some(field) = fields.get(target) else { return Ok(()) };
            let place = this.child(node, field.node, slot + this.layout.field_offset(this.input.schema, node, target));
            this.inside(&field.name, |this| value(this, branch, place))
        };
        match context.target(node, branch, position) {
            Err(error) => self.fail(error),
            Ok(Target::Field(target)) => one(self, target),
            Ok(Target::ByLength(sizes, other)) => {
                let at = self.emit(Op::End)?;
                let mut entries = Vec::new();
                let mut exits = Vec::new();
                for (size, target) in sizes {
                    entries.push((size, self.here()));
                    match target {
                        Ok(target) => one(self, target)?,
                        Err(error) => self.fail(error)?,
                    }
                    exits.push(self.emit(Op::End)?);
                }
                entries.push((usize::MAX, self.here()));
                match other {
                    Ok(target) => one(self, target)?,
                    Err(error) => self.fail(error)?,
                }
                self.code.lengths.push(entries);
                self.patch(at, Op::ByLength { table: (self.code.lengths.len() - 1) as u32 });
                self.join(&exits);
                Ok(())
            }
        }
    }
}
