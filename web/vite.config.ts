import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const product = "http://127.0.0.1:4480";

export default defineConfig({
  plugins: [react()],
  server: {
    port: 4481,
    proxy: {
      "/graphql": { target: product, ws: true },
      "/sign-in": product,
      "/sign-out": product,
    },
  },
  build: {
    outDir: "dist",
    // The console is served with a policy that knows no `data:` sources.
    assetsInlineLimit: 0,
    target: "es2023",
  },
  test: {
    environment: "happy-dom",
    include: ["src/**/*.test.{ts,tsx}"],
  },
});
