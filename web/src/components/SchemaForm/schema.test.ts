import { describe, expect, it } from "vitest";

import { fieldsOf } from "./schema";
import { validate } from "./validate";
import { type FormValues, initialValues, toJson, withValue } from "./values";

const SCHEMA = {
  type: "object",
  additionalProperties: false,
  required: ["host", "tables"],
  properties: {
    port: { type: "integer", title: "Port", minimum: 1, maximum: 65535, default: 5432 },
    host: { type: "string", title: "Host", pattern: "^[a-z.]+$", "x-message": "Host is a name." },
    ratio: { type: ["number", "null"], title: "Ratio", exclusiveMinimum: 0 },
    tls: { type: "boolean", title: "TLS", default: true },
    mode: { type: "string", enum: ["fast", "safe"], default: "safe" },
    level: { oneOf: [{ const: 1, title: "Low" }, { const: 2, title: "High" }] },
    tables: { type: "array", title: "Tables", items: { type: "string", minLength: 2 } },
    kinds: { type: "array", items: { type: "string", enum: ["a", "b"] } },
    proxy: { anyOf: [{ $ref: "#/$defs/proxy" }, { type: "null" }] },
    site: { type: "string", format: "uri" },
    anything: {},
  },
  $defs: {
    proxy: {
      type: "object",
      title: "Proxy",
      required: ["address"],
      properties: { address: { type: "string", title: "Address" } },
    },
  },
};

const fields = fieldsOf(SCHEMA);
const kinds = Object.fromEntries(fields.map((field) => [field.name, field.kind]));

describe("reading a schema", () => {
  it("gives every property a field of its kind", () => {
    expect(kinds).toEqual({
      host: "text",
      tables: "list",
      port: "integer",
      ratio: "number",
      tls: "boolean",
      mode: "choice",
      level: "choice",
      kinds: "choices",
      proxy: "group",
      site: "text",
      anything: "json",
    });
  });

  it("puts what is required first", () => {
    expect(fields.slice(0, 2).map((field) => field.name)).toEqual(["host", "tables"]);
  });

  it("treats a password as a secret", () => {
    const schema = { properties: { token: { type: "string", format: "password" } } };
    expect(fieldsOf(schema)[0]?.kind).toBe("secret");
  });

  it("survives a schema that refers to itself", () => {
    const schema = {
      properties: { child: { $ref: "#/$defs/node" } },
      $defs: { node: { type: "object", properties: { child: { $ref: "#/$defs/node" } } } },
    };
    expect(fieldsOf(schema)[0]?.kind).toBe("group");
  });

  it("makes no fields of what is no schema", () => {
    expect(fieldsOf(null)).toEqual([]);
  });
});

describe("values", () => {
  it("starts from defaults and comes back without what was not given", () => {
    const values = initialValues(fields, {});
    expect(toJson(fields, withValue(values, ["host"], " db.example "))).toEqual({
      host: "db.example",
      tables: [],
      port: 5432,
      tls: true,
      mode: "safe",
    });
  });

  it("gives numbers, choices and groups their JSON types", () => {
    const stored = {
      host: "a",
      port: 1,
      ratio: 0.5,
      tls: false,
      level: 2,
      tables: ["orders"],
      kinds: ["b"],
      proxy: { address: "p" },
      anything: { deep: [1] },
    };
    expect(toJson(fields, initialValues(fields, stored))).toEqual({ ...stored, mode: "safe" });
  });

  it("changes one field inside a group and leaves the rest", () => {
    const values = withValue({ proxy: { address: "a", user: "u" }, host: "h" }, ["proxy", "address"], "b");
    expect(values).toEqual({ proxy: { address: "b", user: "u" }, host: "h" });
  });

  it("takes a secret exactly as it was typed", () => {
    const secret = fieldsOf({ properties: { token: { type: "string", format: "password" } } });
    expect(toJson(secret, { token: " a b " })).toEqual({ token: " a b " });
  });
});

function check(change: FormValues) {
  return validate(fields, { ...initialValues(fields, { host: "a", tables: ["aa"] }), ...change });
}

describe("validation", () => {
  it("accepts what is right", () => {
    expect(check({ proxy: { address: "p" } })).toEqual({});
  });

  it.each([
    ["host", "", "Host is required."],
    ["host", "A!", "Host is a name."],
    ["port", "many", "Enter a number."],
    ["port", "1.5", "Enter a whole number."],
    ["port", "0", "At least 1."],
    ["port", "65536", "At most 65535."],
    ["ratio", "0", "Must be more than 0."],
    ["site", "example", "Enter a full address, such as https://example.com."],
    ["anything", "{", "This is not valid JSON."],
    ["tables", ["", " "], "Tables is required."],
    ["tables", ["ok", "x"], "x: At least 2 characters."],
  ])("refuses %s = %j", (name, value, message) => {
    expect(check({ [name]: value, proxy: { address: "p" } })).toEqual({ [name]: message });
  });

  it("asks for nothing inside an optional group that is left empty", () => {
    expect(check({})).toEqual({});
    expect(toJson(fields, initialValues(fields, {}))).not.toHaveProperty("proxy");
  });

  it("asks for what is required inside a group of which something was given", () => {
    const proxy = fieldsOf({
      properties: {
        proxy: {
          type: "object",
          required: ["address"],
          properties: { address: { type: "string", title: "Address" }, port: { type: "integer" } },
        },
      },
    });
    expect(validate(proxy, { proxy: { address: "", port: "80" } })).toEqual({
      "proxy.address": "Address is required.",
    });
  });
});
