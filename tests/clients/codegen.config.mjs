// GraphQL Code Generator, client preset: typed documents for everything that the guide shows, and the manifest of persisted
// documents. `strictScalars` refuses a scalar that is not mapped here, so a new scalar in the schema shows up at once.
export default {
  schema: "../../schema.graphql",
  documents: "generated/documents/*.graphql",
  generates: {
    "generated/gql/": {
      preset: "client",
      presetConfig: { persistedDocuments: { hashAlgorithm: "sha256" } },
      config: {
        strictScalars: true,
        scalars: { Date: "string", DateTime: "string", Decimal: "string", URL: "string" },
        useTypeImports: true,
      },
    },
  },
};
