import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { client } from "./api/cache";
import { statusQuery } from "./api/queries";
import { App } from "./frame/App";
import "./styles/tokens.css";
import "./styles/parts.css";
import "./styles/frame.css";
import "./styles/map.css";
import "./styles/table.css";
import "./styles/panel.css";

// The first status decides the range, where the link names none, and how fine the
// histogram is. It is waited for, a moment, so that nothing is asked for twice.
const patience = 500;
await Promise.race([client.prefetchQuery(statusQuery), new Promise((done) => setTimeout(done, patience))]);

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <QueryClientProvider client={client}>
      <App />
    </QueryClientProvider>
  </StrictMode>,
);
