import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { client, statusQuery } from "./api/queries";
import { App } from "./frame/App";
import { currentView } from "./state/view";
import "./styles/tokens.css";
import "./styles/parts.css";
import "./styles/frame.css";
import "./styles/map.css";
import "./styles/table.css";
import "./styles/panel.css";

// Where the link names no range the first status decides it. It is waited for, a
// moment, so that nothing is asked for a range that is then not shown.
const patience = 1000;
if (!currentView().time.chosen) {
  await Promise.race([client.prefetchQuery(statusQuery), new Promise((done) => setTimeout(done, patience))]);
}

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <QueryClientProvider client={client}>
      <App />
    </QueryClientProvider>
  </StrictMode>,
);
