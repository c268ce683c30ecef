//! What a policy looks at, read off its syntax tree. Two questions that differ only in what no policy looks at have one answer.

use serde_json::{Map, Value};

/// What the conditions of some policies depend on, beyond what always counts. When in doubt, they depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "one flag for each part of a question")]
pub(crate) struct Reads {
    /// Who in person asks, beyond role, groups, permissions and the like.
    pub(crate) identity: bool,
    /// Which tool or document of an install it is, beyond its effect, stream and classification.
    pub(crate) name: bool,
    pub(crate) client: bool,
    pub(crate) network: bool,
    pub(crate) time: bool,
    pub(crate) arguments: bool,
}

// === impl Reads ===

impl Reads {
    /// Of a condition in Cedar's JSON form.
    pub(crate) fn of(expression: &Value) -> Self {
        let mut reads = Self::default();
        reads.walk(expression);
        reads
    }

    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            identity: self.identity || other.identity,
            name: self.name || other.name,
            client: self.client || other.client,
            network: self.network || other.network,
            time: self.time || other.time,
            arguments: self.arguments || other.arguments,
        }
    }

    fn walk(&mut self, value: &Value) {
        match value {
            Value::Object(members) => self.expression(members),
            Value::Array(items) => items.iter().for_each(|item| self.walk(item)),
            _ => {}
        }
    }

    fn expression(&mut self, members: &Map<String, Value>) {
        for (operator, operands) in members {
            match operator.as_str() {
                "Var" if operands.is_string() => self.variable(operands),
                "." | "has" => self.attribute(operands),
                // The kind of a thing and what it is in always count.
                "in" | "is" => self.without_left_variable(operands),
                "__entity" => self.literal(operands),
                _ => self.walk(operands),
            }
        }
    }

    /// A variable as a whole.
    fn variable(&mut self, name: &Value) {
        match name.as_str() {
            Some("principal") => self.identity = true,
            Some("resource") => self.name = true,
            Some("context") => {
                (self.client, self.network, self.time, self.arguments) = (true, true, true, true);
            }
            _ => {}
        }
    }

    fn attribute(&mut self, operands: &Value) {
        let (Some(left), Some(name)) = (operands.get("left"), operands.get("attr")) else {
            return self.walk(operands);
        };
        match (variable_of(left), name.as_str()) {
            (Some("context"), Some("client")) => self.client = true,
            (Some("context"), Some("network")) => self.network = true,
            (Some("context"), Some("hour" | "weekday")) => self.time = true,
            (Some("context"), Some("arguments" | "numbers")) => self.arguments = true,
            (Some("resource"), Some("name")) => self.name = true,
            (Some("resource" | "principal"), Some(_)) => {}
            _ => self.walk(left),
        }
    }

    fn without_left_variable(&mut self, operands: &Value) {
        let Some(members) = operands.as_object() else { return self.walk(operands) };
        for (name, value) in members {
            let is_thing = matches!(variable_of(value), Some("principal" | "resource"));
            if !(name == "left" && is_thing) {
                self.walk(value);
            }
        }
    }

    fn literal(&mut self, entity: &Value) {
        match entity.get("type").and_then(Value::as_str) {
            Some("Principal") => self.identity = true,
            Some("Tool" | "Record") => self.name = true,
            _ => {}
        }
    }
}

fn variable_of(expression: &Value) -> Option<&str> {
    expression.get("Var").and_then(Value::as_str)
}
