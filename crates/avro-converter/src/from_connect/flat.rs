//! A plan as a list of values, where it is no more than that: to compare it with what a payload holds.

use super::leaf::{Number, Scalar, Variable};
use super::plan::{Code, Null, NullId, Op};
use super::resolve::Branch;
use super::write::Word;

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Boolean,
    Int,
    Long,
    Float,
    Double,
    String,
    Bytes,
    Decimal,
    Fixed(u32),
    /// An optional struct, of so many values; one that is always there is no more than its fields.
    Struct(u32),
}

/// A value of the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) slot: u32,
    pub(crate) form: Form,
    /// In a union with null: the octet that stands for null. The value is then after the other one of 0 and 2.
    pub(crate) null: Option<u8>,
}

/// The values of a struct in the order in which they are written; `None`: there are others than scalars and structs of
/// them, or defaults in the place of null.
pub(super) fn flat(code: &Code) -> Option<Vec<Written>> {
    let mut values = Vec::new();
    // Structs that are open: where they are in the list, and the opcode behind them.
    let mut open: Vec<(usize, usize)> = Vec::new();
    for (pc, op) in code.ops.iter().enumerate() {
        close(&mut values, &mut open, pc);
        let (slot, form, branch, null) = match op {
            Op::Struct { branch: Branch::NONE, .. } => continue,
            Op::Struct { slot, branch, null, skip } => {
                open.push((values.len(), *skip as usize));
                (slot, Form::Struct(0), branch, null)
            }
            Op::Int { slot, branch, null } => (slot, Form::Int, branch, null),
            Op::Long { slot, branch, null } => (slot, Form::Long, branch, null),
            Op::String { slot, branch, null } => (slot, Form::String, branch, null),
            Op::Scalar { slot, scalar, branch, null } => (slot, scalar_form(*scalar)?, branch, null),
            Op::Variable { slot, variable, branch, null } => {
                (slot, variable_form(code.variables.get(*variable as usize)?)?, branch, null)
            }
            Op::End if open.is_empty() => return Some(values),
            _ => return None,
        };
        let null = if *branch == Branch::NONE { None } else { Some(null_octet(code, *branch, *null)?) };
        values.push(Written { slot: *slot, form, null });
    }
    None
}

fn close(values: &mut [Written], open: &mut Vec<(usize, usize)>, pc: usize) {
    while let Some((at, _)) = open.pop_if(|(_, end)| *end == pc) {
        let within = (values.len() - at - 1) as u32;
        if let Some(written) = values.get_mut(at) {
            written.form = Form::Struct(within);
        }
    }
}

fn scalar_form(scalar: Scalar) -> Option<Form> {
    match scalar {
        Scalar::Boolean => Some(Form::Boolean),
        Scalar::Float(Number::Float32) => Some(Form::Float),
        Scalar::Double(Number::Float64) => Some(Form::Double),
        _ => None,
    }
}

fn variable_form(variable: &Variable) -> Option<Form> {
    match variable {
        Variable::Bytes => Some(Form::Bytes),
        Variable::Decimal => Some(Form::Decimal),
        Variable::Fixed(size) => u32::try_from(*size).ok().map(Form::Fixed),
        _ => None,
    }
}

/// Only of a union of null and another type, where null stays null.
fn null_octet(code: &Code, branch: Branch, null: NullId) -> Option<u8> {
    let Null::Octet(null @ (0 | 2)) = code.nulls.get(null as usize)? else { return None };
    (branch.word() == Word::octet(2 - null)).then_some(*null)
}
