//! What a guest may use, and what it is told when it wants more.

use std::time::Duration;
use wasmtime::ResourceLimiter;

/// No instance has more memory: the engine reserves as much address space for it.
pub const MAX_MEMORY: usize = 64 << 20;

/// Limits of one plug-in instance.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of all its memories, at most [`MAX_MEMORY`].
    pub memory: usize,
    /// Time of one call, of start-up too. After a fault the call is made once more, with the same time.
    pub call: Duration,
    /// Bytes that one call may hand out.
    pub output: usize,
    /// Bytes of all schemas that it interns, in their boundary form.
    pub schemas: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory: MAX_MEMORY, call: Duration::from_secs(5), output: 64 << 20, schemas: 16 << 20 }
    }
}

/// Core instances, tables and memories of one component: one of ours has four instances and two tables.
const MAX_PARTS: usize = 100;
const MAX_TABLE_ELEMENTS: usize = 100_000;

/// Counts what a store has taken.
#[derive(Debug)]
pub(crate) struct Usage {
    limits: Limits,
    memory: usize,
    table_elements: usize,
    /// What was refused first.
    pub(crate) refused: Option<String>,
}

impl Usage {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, memory: 0, table_elements: 0, refused: None }
    }
}

impl ResourceLimiter for Usage {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let wanted = self.memory.saturating_add(desired.saturating_sub(current));
        let limit = self.limits.memory.min(MAX_MEMORY);
        if wanted > limit {
            let limit = limit >> 20;
            self.refused.get_or_insert_with(|| format!("it was refused more than {limit} MiB of memory"));
            return Ok(false);
        }
        self.memory = wanted;
        Ok(true)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let wanted = self.table_elements.saturating_add(desired.saturating_sub(current));
        if wanted > MAX_TABLE_ELEMENTS {
            self.refused.get_or_insert_with(|| format!("it was refused more than {MAX_TABLE_ELEMENTS} table elements"));
            return Ok(false);
        }
        self.table_elements = wanted;
        Ok(true)
    }

    fn instances(&self) -> usize {
        MAX_PARTS
    }

    fn tables(&self) -> usize {
        MAX_PARTS
    }

    fn memories(&self) -> usize {
        MAX_PARTS
    }
}
