import type { CodegenConfig } from "@graphql-codegen/cli";

/** Types come from the SDL that the api crate generates and commits; no API type is written by hand. */
const config: CodegenConfig = {
  schema: process.env["PATCHBAY_SDL"] ?? "../api/schema.graphql",
  documents: ["src/**/*.{ts,tsx}", "!src/gql/**"],
  ignoreNoDocuments: true,
  generates: {
    "src/gql/": {
      preset: "client",
      presetConfig: { fragmentMasking: { unmaskFunctionName: "readFragment" } },
      config: {
        enumsAsTypes: true,
        useTypeImports: true,
        strictScalars: true,
        scalars: { DateTime: "string", JSON: "unknown" },
      },
    },
  },
};

export default config;
