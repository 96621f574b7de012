//! Nodes whose outputs are views: of a layer, of scores, or of heads. A view that another node needs as a layer is imported
//! as before, node by node.

use super::{
    Import, Said, Value,
    flow::Flow,
    heads, located, name_of, nodes,
    parts::parts,
    views::{Base, View},
};
use crate::onnx::{
    attributes::{Node, axis},
    proto::NodeProto,
};
use std::rc::Rc;

impl<'a> Import<'a> {
    /// Imports one node as views where it makes some, else as a layer. The error names a node.
    pub(super) fn viewed_or_layer(&mut self, proto: &'a NodeProto, inputs: &[Option<Value>]) -> Said<()> {
        let fail = |message: String| located(proto, &message);
        let late = inputs.iter().any(|input| matches!(input, Some(Value::View(_))));
        // A part of a layer's output may be one that a layer has.
        let part = !late && ["Gather", "Slice"].contains(&proto.op_type.as_str());
        let mut why = None;
        if !part {
            match self.views(proto, inputs) {
                Ok(Some(views)) => return self.keep(proto, views).map_err(fail),
                Ok(None) => {}
                Err(words) => why = Some(fail(words)),
            }
        }
        let layer = self.settled(proto).and_then(|inputs| self.layer(proto, &inputs).map_err(fail));
        match (layer, why) {
            (Err(words), None) if part => match self.views(proto, inputs) {
                Ok(Some(views)) => self.keep(proto, views).map_err(fail),
                _ => Err(words),
            },
            (Err(_), Some(words)) => Err(words),
            (layer, _) => layer,
        }
    }

    /// Imports a node that makes or takes a sequence of values, as PyTorch's exporter divides a tensor before it optimizes.
    /// Returns false for any other node.
    pub(super) fn sequence(&mut self, proto: &'a NodeProto, inputs: &[Option<Value>]) -> Said<bool> {
        let node = Node(proto);
        let output = proto.output.first().map_or("", String::as_str);
        let second = match inputs.get(1) {
            Some(Some(Value::Constant(tensor))) => Some(&**tensor),
            _ => None,
        };
        let value = match (node.op(), inputs.first()) {
            ("SplitToSequence", Some(Some(Value::Constant(x)))) => {
                let at = axis(node.int("axis", 0), x.shape.len())?;
                let lens = parts(&node, second, x.shape[at]).ok_or("parts that are not all of a constant")?;
                let left = self.room.checked_sub(x.len());
                self.room =
                    left.ok_or("more elements of constants than all nodes of this file may make together")?;
                let mut start = 0;
                let part = |len: usize| {
                    start += len;
                    Value::Constant(Rc::new(x.sliced(at, start - len, 1, len)))
                };
                Value::Sequence(lens.into_iter().map(part).collect())
            }
            ("SplitToSequence", _) => {
                let views = self.views(proto, inputs)?.ok_or("parts of a value that is no sequence")?;
                let value = |view: View| match Flow::of(&view, self.batch) {
                    Some(flow) => Value::Flow(flow),
                    None => Value::View(Rc::new(view)),
                };
                Value::Sequence(views.into_iter().map(value).collect())
            }
            ("SequenceAt", Some(Some(Value::Sequence(all)))) => {
                let index = second.and_then(|index| index.wholes().ok()?.first().copied());
                let at = axis(index.ok_or("it has no constant index")?, all.len())?;
                if let Value::View(_) = all[at] {
                    self.late.insert(output, proto);
                }
                all[at].clone()
            }
            _ => return Ok(false),
        };
        self.values.insert(output, value);
        Ok(true)
    }

    fn views(&mut self, proto: &NodeProto, inputs: &[Option<Value>]) -> Said<Option<Vec<View>>> {
        let sole = self.is_sole(proto);
        nodes::views(&mut self.network, Node(proto), inputs, self.batch, sole)
    }

    /// Keeps the outputs of a node, as a layer's where they are that.
    fn keep(&mut self, proto: &'a NodeProto, views: Vec<View>) -> Said<()> {
        for (name, mut view) in proto.output.iter().zip(views) {
            if let Base::Heads(all) = &view.base
                && heads::is_plain(all)
                && heads::is_unscaled(all)
            {
                let source = heads::plain(&mut self.network, all, name_of(proto))?;
                view.base = Base::Layer(source);
            }
            let value = match Flow::of(&view, self.batch) {
                Some(flow) => Value::Flow(flow),
                None => {
                    self.late.insert(name, proto);
                    Value::View(Rc::new(view))
                }
            };
            self.values.insert(name, value);
        }
        Ok(())
    }

    /// The inputs of a node, none of which is a view.
    fn settled(&mut self, proto: &'a NodeProto) -> Said<Vec<Option<Value>>> {
        for name in &proto.input {
            self.settle(name, proto)?;
        }
        Ok(self.inputs(proto))
    }

    /// Makes layers of the nodes that lead to a value, if it is a view; `taker` needs it. The error names a node.
    pub(super) fn settle(&mut self, name: &'a str, taker: &NodeProto) -> Said<()> {
        let scores =
            |value: &Value| matches!(value, Value::View(view) if matches!(view.base, Base::Scores(_)));
        let scores = self.values.get(name).is_some_and(scores);
        let mut left = vec![name];
        while let Some(name) = left.last().copied() {
            let (Some(Value::View(view)), Some(proto)) =
                (self.values.get(name), self.late.get(name).copied())
            else {
                left.pop();
                continue;
            };
            let view = view.clone();
            if let Base::Heads(all) = &view.base {
                let source = heads::plain(&mut self.network, all, name_of(proto));
                let source = source.map_err(|message| located(taker, &message))?;
                let view = View { base: Base::Layer(source), ..(*view).clone() };
                let flow = Flow::of(&view, self.batch);
                let flow =
                    flow.ok_or_else(|| located(taker, "an attention with its axes in another order"))?;
                self.values.insert(name, Value::Flow(flow));
                continue;
            }
            let views = |name: &&String| matches!(self.values.get(name.as_str()), Some(Value::View(_)));
            let before: Vec<&str> = proto.input.iter().filter(views).map(String::as_str).collect();
            if !before.is_empty() {
                left.extend(before);
                continue;
            }
            let inputs = self.inputs(proto);
            self.layer(proto, &inputs).map_err(|message| match proto.op_type.as_str() {
                _ if scores => located(taker, SCORES),
                "Split" | "SequenceAt" => located(taker, PARTS),
                _ => located(proto, &message),
            })?;
        }
        Ok(())
    }
}

/// The error about scores that are used in another way than an attention's.
const SCORES: &str = "takes the scores of an attention, which wgrad scales, hides behind the query by a constant causal mask, \
                      and makes shares of by a softmax over the keys; nothing else is read";

/// The error about a part of a layer's output that becomes none of an attention.
const PARTS: &str = "takes a part of the features of a sequence; parts are only read as queries, keys and values of an attention";
