import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { client } from "./api/cache";
import { clusterQuery, statusQuery } from "./api/queries";
import { App } from "./frame/App";
import { currentView } from "./state/view";
import "./styles/tokens.css";
import "./styles/parts.css";
import "./styles/frame.css";
import "./styles/map.css";
import "./styles/table.css";
import "./styles/panel.css";

// The first status decides the range, where the link names none, and how fine the
// histogram is; what was recorded in it decides what the map is drawn by. They are
// waited for, a moment, so that nothing is asked for twice.
const patience = 500;
const first = client.prefetchQuery(statusQuery).then(() => client.prefetchQuery(clusterQuery(currentView())));
await Promise.race([first, new Promise((done) => setTimeout(done, patience))]);

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <QueryClientProvider client={client}>
      <App />
    </QueryClientProvider>
  </StrictMode>,
);
