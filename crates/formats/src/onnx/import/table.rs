//! Recognises files that wgrad wrote for tables. Some nodes standardise the columns, and others convert a number
//! back to the label's unit. Both are replaced by the metadata's table, so that the imported network is again one
//! on a table.

use crate::onnx::{
    proto::{GraphProto, ModelProto, NodeProto},
    table::{TABLE, columns, label},
    tensor::Tensor,
};
use wgrad_data::table::Table;

/// The network between those nodes.
pub(super) struct Found<'a> {
    pub table: Table,
    /// Name of its input: standardised rows.
    pub input: &'a str,
    /// Name of its output, which is standardised.
    pub output: &'a str,
}

/// The table of a file, if the nodes at both ends compute exactly what it says, to the last bit.
pub(super) fn of<'a>(
    graph: &'a GraphProto,
    file: &ModelProto,
    nodes: &[&'a NodeProto],
    output: &'a str,
) -> Option<Found<'a>> {
    let table: Table = serde_json::from_str(file.metadata(TABLE)?).ok()?;
    let [input] = &graph.input[..] else { return None };
    let [means, deviations] = columns(&table);
    let centred = taker(nodes, "Sub", &input.name)?;
    let scaled = taker(nodes, "Div", centred.output.first()?)?;
    let row = taker(nodes, "Reshape", scaled.output.first()?)?;
    let holds = |node: &NodeProto, values: &[f32]| {
        let name = node.input.get(1)?;
        let tensor = graph.initializer.iter().find(|t| t.name == *name)?;
        (Tensor::from_proto(tensor).ok()?.reals().ok()? == values).then_some(())
    };
    holds(centred, &means)?;
    holds(scaled, &deviations)?;
    let mut ends = output;
    if let Some([mean, deviation]) = label(&table) {
        let shifted =
            nodes.iter().find(|n| n.op_type == "Add" && n.output.first().is_some_and(|o| o == output))?;
        let unit = shifted.input.first()?;
        let scaled = nodes.iter().find(|n| n.op_type == "Mul" && n.output.first() == Some(unit))?;
        holds(shifted, &[mean])?;
        holds(scaled, &[deviation])?;
        ends = scaled.input.first()?;
    }
    Some(Found { table, input: row.output.first()?, output: ends })
}

/// The only node that takes a value, if it has this operator and takes the value first.
fn taker<'a>(nodes: &[&'a NodeProto], op: &str, value: &str) -> Option<&'a NodeProto> {
    let mut takers = nodes.iter().filter(|node| node.input.iter().any(|name| name == value));
    let first = takers.next()?;
    let fits = first.op_type == op && first.input.first().is_some_and(|name| name == value);
    (fits && takers.next().is_none()).then_some(first)
}
