// What the browser scripts run against: a real server when FLOW_VISUALIZER_URL
// names one, else the built page with the mock API on a free port.

import { chromium } from "playwright-core";

export async function openSite(scenario = "usual") {
  const address = process.env.FLOW_VISUALIZER_URL;
  if (address) return { url: address.endsWith("/") ? address : `${address}/`, mock: false, close: async () => {} };
  process.env.MOCK_SCENARIO = scenario;
  process.env.VITE_CONFIG_NATIVE_IGNORE_WARNING = "true";
  const { preview } = await import("vite");
  const server = await preview({ logLevel: "error", preview: { port: 0, host: "127.0.0.1" } });
  const { port } = server.httpServer.address();
  return { url: `http://127.0.0.1:${port}/`, mock: true, close: () => new Promise((done) => { server.httpServer.closeAllConnections(); server.httpServer.close(done); }) };
}

export function openBrowser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    headless: true,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
}
