import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { mockApi } from "./dev/mock.ts";
import type { Scenario } from "./dev/traffic.ts";

// FLOW_VISUALIZER_URL sends /api to a running otelcol-flowlogs; without it the
// mock in dev/ answers, in the scenario that MOCK_SCENARIO names.
const backend = process.env["FLOW_VISUALIZER_URL"];
const proxy = backend ? { "/api": { target: backend, changeOrigin: true } } : undefined;

export default defineConfig({
  base: "./",
  plugins: [react(), ...(backend ? [] : [mockApi((process.env["MOCK_SCENARIO"] as Scenario | undefined) ?? "usual")])],
  server: { host: "127.0.0.1", ...(proxy ? { proxy } : {}) },
  preview: { host: "127.0.0.1", ...(proxy ? { proxy } : {}) },
  build: {
    target: "es2022",
    // The content security policy forbids data: URLs.
    assetsInlineLimit: 0,
    license: { fileName: "licenses.md" },
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: "react", test: /node_modules[\\/](react|react-dom|scheduler)[\\/]/ },
            { name: "map", test: /node_modules[\\/](@xyflow|d3-drag|d3-zoom|d3-selection|d3-transition|zustand)/ },
          ],
        },
      },
    },
  },
  test: { environment: "node", include: ["src/**/*.test.ts", "dev/**/*.test.ts"] },
});
