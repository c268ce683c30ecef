//! Which attributes of SCIM are kept (RFC 7643 sections 4.1 to 4.3): one table, from which come the schema documents, what is taken
//! from a client, and what a path may name. What is not in it is not stored.

use serde_json::{Value, json};

/// Core schema of a person.
pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// Core schema of a group.
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// What an enterprise says beside that.
pub const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Reference,
    Boolean,
    Complex,
}

/// An attribute.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "the characteristics of RFC 7643 section 2.2")]
pub(crate) struct Attribute {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) multi: bool,
    pub(crate) required: bool,
    /// Whether upper and lower case differ.
    pub(crate) exact: bool,
    pub(crate) read_only: bool,
    unique: bool,
    description: &'static str,
    pub(crate) sub: &'static [Attribute],
}

/// What is kept of one type of resource.
#[derive(Debug)]
pub struct Schema {
    pub(crate) urn: &'static str,
    name: &'static str,
    pub(crate) attributes: &'static [Attribute],
    pub(crate) extension: Option<&'static Schema>,
}

const fn text(name: &'static str, description: &'static str) -> Attribute {
    Attribute {
        name,
        kind: Kind::Text,
        multi: false,
        required: false,
        exact: false,
        read_only: false,
        unique: false,
        description,
        sub: &[],
    }
}

const fn complex(
    name: &'static str,
    description: &'static str,
    sub: &'static [Attribute],
) -> Attribute {
    Attribute { kind: Kind::Complex, sub, ..text(name, description) }
}

const fn several(
    name: &'static str,
    description: &'static str,
    sub: &'static [Attribute],
) -> Attribute {
    Attribute { multi: true, ..complex(name, description, sub) }
}

const PRIMARY: Attribute =
    Attribute { kind: Kind::Boolean, ..text("primary", "The preferred one; at most one is") };
const TYPE: Attribute = text("type", "What it is for, for instance work or home");
const VALUE: Attribute = text("value", "The value itself");
const DISPLAY: Attribute = text("display", "For people");
const CHANNEL: &[Attribute] = &[VALUE, DISPLAY, TYPE, PRIMARY];
const EXTERNAL_ID: Attribute =
    Attribute { exact: true, ..text("externalId", "The client's own id of it") };
const ID: Attribute = Attribute { exact: true, ..text("value", "Id of the resource") };
const REF: Attribute =
    Attribute { kind: Kind::Reference, exact: true, ..text("$ref", "Address of the resource") };

const NAME: &[Attribute] = &[
    text("formatted", "The whole name"),
    text("familyName", "Family name"),
    text("givenName", "Given name"),
    text("middleName", "Middle names"),
    text("honorificPrefix", "Titles before the name"),
    text("honorificSuffix", "What follows the name"),
];

const ADDRESS: &[Attribute] = &[
    text("formatted", "The whole address"),
    text("streetAddress", "Street and number"),
    text("locality", "City"),
    text("region", "State or region"),
    text("postalCode", "Postal code"),
    text("country", "Country"),
    TYPE,
    PRIMARY,
];

/// A person.
pub static USERS: Schema = Schema {
    urn: USER,
    name: "User",
    attributes: &[
        Attribute {
            required: true,
            unique: true,
            ..text("userName", "Under what the directory knows the person; unique here")
        },
        EXTERNAL_ID,
        complex("name", "Parts of the name", NAME),
        text("displayName", "The name that is shown"),
        text("nickName", "What the person is called"),
        text("title", "Job title"),
        text("userType", "Relation to the organisation"),
        text("preferredLanguage", "Language for texts (RFC 9110 section 12.5.4)"),
        text("locale", "Language for numbers and dates"),
        text("timezone", "IANA time zone"),
        Attribute {
            kind: Kind::Boolean,
            ..text("active", "False ends sessions and API keys and lets the person in nowhere")
        },
        several("emails", "E-mail addresses", CHANNEL),
        several("phoneNumbers", "Telephone numbers", CHANNEL),
        several("addresses", "Postal addresses", ADDRESS),
        Attribute {
            read_only: true,
            ..several("groups", "Groups that the person is in", &[ID, REF, DISPLAY])
        },
    ],
    extension: Some(&Schema {
        urn: ENTERPRISE,
        name: "EnterpriseUser",
        attributes: &[
            text("employeeNumber", "Number in the organisation"),
            text("costCenter", "Cost centre"),
            text("organization", "Organisation"),
            text("division", "Division"),
            text("department", "Department"),
            complex("manager", "The person's manager", &[VALUE, text("displayName", "Their name")]),
        ],
        extension: None,
    }),
};

/// A group.
pub static GROUPS: Schema = Schema {
    urn: GROUP,
    name: "Group",
    attributes: &[
        Attribute { required: true, unique: true, ..text("displayName", "Its name; unique here") },
        EXTERNAL_ID,
        several("members", "Who is in it", &[ID, REF, DISPLAY, TYPE]),
    ],
    extension: None,
};

// === impl Schema ===

impl Schema {
    /// An attribute by its name; upper and lower case are the same (RFC 7643 section 2.1).
    pub(crate) fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        self.attributes.iter().find(|it| it.name.eq_ignore_ascii_case(name))
    }

    /// The schema that a URN names: this one or its extension.
    pub(crate) fn by_urn(&'static self, urn: &str) -> Option<&'static Schema> {
        if self.urn.eq_ignore_ascii_case(urn) {
            return Some(self);
        }
        self.extension.filter(|it| it.urn.eq_ignore_ascii_case(urn))
    }

    /// The documents of this schema and its extension (RFC 7643 section 7).
    pub fn documents(&self, base: &str) -> Vec<Value> {
        let attributes: Vec<_> = self.attributes.iter().map(Attribute::document).collect();
        let own = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
            "id": self.urn,
            "name": self.name,
            "description": self.name,
            "attributes": attributes,
            "meta": { "resourceType": "Schema", "location": format!("{base}/Schemas/{}", self.urn) },
        });
        let more = self.extension.iter().flat_map(|it| it.documents(base));
        std::iter::once(own).chain(more).collect()
    }
}

// === impl Attribute ===

impl Attribute {
    pub(crate) fn sub(&self, name: &str) -> Option<&'static Attribute> {
        self.sub.iter().find(|it| it.name.eq_ignore_ascii_case(name))
    }

    fn document(&self) -> Value {
        let kind = match self.kind {
            Kind::Text => "string",
            Kind::Reference => "reference",
            Kind::Boolean => "boolean",
            Kind::Complex => "complex",
        };
        let mut document = json!({
            "name": self.name,
            "type": kind,
            "multiValued": self.multi,
            "description": self.description,
            "required": self.required,
            "caseExact": self.exact,
            "mutability": if self.read_only { "readOnly" } else { "readWrite" },
            "returned": "default",
            "uniqueness": if self.unique { "server" } else { "none" },
        });
        if !self.sub.is_empty() {
            let sub: Vec<_> = self.sub.iter().map(Attribute::document).collect();
            document["subAttributes"] = json!(sub);
        }
        if self.kind == Kind::Reference {
            document["referenceTypes"] = json!(["User"]);
        }
        document
    }
}
