//! What the writer has and the reader has not: skipped.

use super::super::plan::{Container, Keys, Op};
use super::Compiler;
use crate::avro_schema::{Kind, TypeId};
use connect_data::Result;

impl<'a> Compiler<'a> {
    pub(super) fn skip(&mut self, w: TypeId) -> Result<()> {
        if let Some(size) = self.sizes.constant(w) {
            return if size == 0 { Ok(()) } else { self.emit(Op::Skip(size)).map(drop) };
        }
        match self.writer(w) {
            Kind::Int | Kind::Enum(_) => self.emit(Op::SkipInt).map(drop),
            Kind::Long => self.emit(Op::SkipLong).map(drop),
            Kind::String | Kind::Bytes => self.emit(Op::SkipPrefixed).map(drop),
            Kind::Array(item) | Kind::Map(item) => {
                let map = matches!(self.writer(w), Kind::Map(_));
                let constant = if map { None } else { self.sizes.constant(*item) };
                let index = self.code.containers.len();
                let mut container =
                    Container { key_width: 0, width: 0, least: 0, constant, body: 0, exit: 0, keys: Keys::None };
                self.code.containers.push(container);
                self.emit(Op::SkipItems { container: index as u32 })?;
                container.body = self.here();
                if map {
                    self.emit(Op::SkipPrefixed)?;
                }
                self.skip(*item)?;
                self.emit(Op::SkipNext)?;
                container.exit = self.here();
                if let Some(place) = self.code.containers.get_mut(index) {
                    *place = container;
                }
                Ok(())
            }
            Kind::Union(branches) => {
                let at = self.emit(Op::End)?;
                let (mut entries, mut exits) = (Vec::new(), Vec::new());
                for branch in branches {
                    entries.push(self.here());
                    self.skip(*branch)?;
                    exits.push(self.emit(Op::End)?);
                }
                self.code.branches.push(entries);
                self.patch(at, Op::Branch { table: (self.code.branches.len() - 1) as u32 });
                self.join(&exits);
                Ok(())
            }
            Kind::Record(_) => {
                let entry = self.skips.get(&w).copied();
                let at = self.emit(Op::SkipCall { entry: entry.unwrap_or(0) })?;
                if entry.is_none() {
                    match self.waiting_skips.iter_mut().find(|(id, _)| *id == w) {
                        Some((_, calls)) => calls.push(at),
                        None => self.waiting_skips.push((w, vec![at])),
                    }
                }
                Ok(())
            }
            // Of constant size, handled above.
            Kind::Null | Kind::Boolean | Kind::Float | Kind::Double | Kind::Fixed(_) => Ok(()),
        }
    }
}
